"""The layer patterns of the lectures as a language: text, tokens, layers, rules, modules."""
