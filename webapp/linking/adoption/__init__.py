"""Safe re-link: the history of an old login goes on under the new one."""
