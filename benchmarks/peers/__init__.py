"""Other programs that train SimCLR, as their users run them, to be measured beside this one."""
