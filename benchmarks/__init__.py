"""How fast reports and imports are, and how much memory they take, measured over made-up calls."""
