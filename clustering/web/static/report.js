// Draws the report's charts from the figures that it carries.
(function () {
  "use strict";
  const { draw, say, fillTable } = window.SegmentCharts;
  const carried = JSON.parse(document.getElementById("figures").textContent);

  (async function () {
    for (const element of document.querySelectorAll("[data-figure]")) {
      const one = carried[element.dataset.figure];
      if (!one) continue;
      element.hidden = false;
      if (one.figure) await draw(element, one.figure);
      else say(element, one.reason);
      const note = document.querySelector(`[data-note="${element.dataset.figure}"]`);
      if (note && one.note) note.textContent = one.note;
      const table = document.querySelector(`[data-table="${element.dataset.figure}"]`);
      if (table && one.rows) fillTable(table, one.rows);
    }
    document.documentElement.dataset.ready = "yes";
  })();
})();
