// A dry run that goes on is looked at again every three seconds, where it stands.
if (document.querySelector("[data-going]")) setTimeout(() => location.reload(), 3000);
