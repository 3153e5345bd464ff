"""Link in the browser: its tokens, its sessions, its panes and its script."""
