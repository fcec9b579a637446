"""The classic operations that the lectures name, each a thin door to OpenCV: one question, one frozen answer."""
