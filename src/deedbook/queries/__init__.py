"""The read side: SQL to frozen objects, one file per noun. Touches no chain and changes nothing."""
