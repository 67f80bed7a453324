"""One socket in this process: its counted references, and the acquires that wait for one."""
