// Tells the server where the person is, so that "today" is their today. Without it the account starts in UTC.
for (const input of document.querySelectorAll("input[name=time_zone]")) {
  input.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}
