"""One endpoint's life in this process: its counted references, and those who wait for one."""
