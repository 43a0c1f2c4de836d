// Light or dark, before anything is drawn: the reader's choice here, else Airflow's, else the system's.
(function () {
  "use strict";
  const OWN = "segmentation-theme";
  const AIRFLOWS = "theme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function read(key) {
    try {
      const value = window.localStorage.getItem(key);
      return value === "light" || value === "dark" ? value : null;
    } catch {
      return null;
    }
  }

  function apply() {
    const theme = read(OWN) || read(AIRFLOWS) || (system.matches ? "dark" : "light");
    if (document.documentElement.dataset.theme !== theme) {
      document.documentElement.dataset.theme = theme;
      document.dispatchEvent(new Event("themechange"));
    }
  }

  function choose(value) {
    try {
      if (value === "auto") window.localStorage.removeItem(OWN);
      else window.localStorage.setItem(OWN, value);
    } catch {
      // Without storage the choice lasts as long as the page.
      document.documentElement.dataset.theme = value;
      document.dispatchEvent(new Event("themechange"));
      return;
    }
    apply();
  }

  apply();
  system.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  // On the document, because the switch may be used before the page has loaded to its end.
  document.addEventListener("change", function (event) {
    if (event.target.name === "theme") choose(event.target.value);
  });
  document.addEventListener("DOMContentLoaded", function () {
    for (const input of document.querySelectorAll("input[name=theme]")) {
      input.checked = input.value === (read(OWN) || "auto");
    }
  });
})();
