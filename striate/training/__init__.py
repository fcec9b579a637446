"""How a network learns: one plain loop, its schedule, its logbook and the state it goes on from."""
