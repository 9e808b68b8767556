"""Where calls are stored and counted; nothing above knows which engine answers."""
