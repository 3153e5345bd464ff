// The window was opened by Link and is no longer needed.
window.close();
