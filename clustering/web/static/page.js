// The Segments page: fetches its charts, draws on demand, asks before a champion is changed.
(function () {
  "use strict";
  const { draw, say, fillTable } = window.SegmentCharts;
  const choice = document.getElementById("choice");
  const status = document.getElementById("status");
  const plot = (name) => document.querySelector(`[data-figure="${name}"]`);
  const note = (name) => document.querySelector(`[data-note="${name}"]`);
  const chosen = () => ({ model: choice.elements.model.value, as_of: choice.elements.as_of.value });

  async function ask(path, values, options) {
    const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value));
    const answer = await fetch(`page/${path}?${query}`, { credentials: "same-origin", ...options });
    const content = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(content.detail || `the server answered ${answer.status}`);
    return content;
  }

  const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  const failed = (element, error) => say(element, sentence(`${error.message}.`.replace("..", ".")));

  async function drawNight() {
    const names = ["sizes", "rejected"].filter(plot);
    try {
      const figures = await ask("charts", chosen());
      for (const name of names) await draw(plot(name), figures[name]);
    } catch (error) {
      for (const name of names) failed(plot(name), error);
    }
  }

  async function drawCustomers() {
    const element = plot("customers");
    const form = document.getElementById("columns");
    const address = new URL(window.location.href);
    try {
      const asked = { x: address.searchParams.get("x"), y: address.searchParams.get("y") };
      const answer = await ask("customers", { ...chosen(), ...asked });
      if (answer.reason) return say(element, sentence(answer.reason));
      form.elements.x.value = answer.x;
      form.elements.y.value = answer.y;
      note("customers").textContent = answer.note;
      await draw(element, answer.figure);
    } catch (error) {
      failed(element, error);
    }
  }

  async function drawMovement(form) {
    const element = plot("movement");
    const values = { model: chosen().model, former: form.elements.former.value, latter: form.elements.latter.value };
    note("movement").textContent = "Counting …";
    note("movement").classList.add("busy");
    try {
      const answer = await ask("movement", values);
      element.hidden = !answer.figure;
      document.querySelector('[data-table="movement"]').hidden = Boolean(answer.reason);
      note("movement").textContent = sentence(answer.reason || answer.note);
      if (answer.reason) return;
      fillTable(document.querySelector('[data-table="movement"]'), answer.rows);
      if (answer.figure) await draw(element, answer.figure);
    } catch (error) {
      element.hidden = true;
      note("movement").textContent = sentence(error.message);
    } finally {
      note("movement").classList.remove("busy");
    }
  }

  // A list that is opened with the mouse shows what was chosen at once; with the keyboard, where every arrow is a
  // change, it waits for Enter or the button.
  function showOnChange(form) {
    let byPointer = false;
    form.addEventListener("pointerdown", () => (byPointer = true));
    form.addEventListener("keydown", (event) => (byPointer = byPointer && event.key === "Enter"));
    form.addEventListener("change", () => byPointer && form.requestSubmit());
  }

  function listenToForms() {
    showOnChange(choice);
    choice.elements.model.addEventListener("change", () => (choice.elements.as_of.disabled = true));
    const columns = document.getElementById("columns");
    if (columns) {
      showOnChange(columns);
      columns.addEventListener("submit", (event) => {
        event.preventDefault();
        const address = new URL(window.location.href);
        for (const name of ["x", "y"]) address.searchParams.set(name, columns.elements[name].value);
        window.history.replaceState(null, "", address);
        drawCustomers();
      });
    }
    const moves = document.getElementById("moves");
    if (moves) {
      showOnChange(moves);
      moves.addEventListener("submit", (event) => {
        event.preventDefault();
        drawMovement(moves);
      });
    }
  }

  const byId = (id) => document.getElementById(id);

  // Asks before something is changed; `path` and `body` are what is sent, `why` whether a reason is asked for.
  function confirmChange({ title, text, note, path, body, why }) {
    const yes = byId("confirm-yes");
    byId("confirm-title").textContent = `${title}?`;
    byId("confirm-text").textContent = text;
    byId("confirm-note").textContent = note;
    byId("confirm-why").hidden = !why;
    byId("confirm-reason").value = "";
    byId("confirm-problem").hidden = true;
    yes.textContent = title;
    yes.disabled = false;
    yes.onclick = () => send(path, why ? { ...body, reason: byId("confirm-reason").value } : body);
    byId("confirm").showModal();
  }

  async function send(path, body) {
    const yes = byId("confirm-yes");
    const problem = byId("confirm-problem");
    if (body.reason !== undefined && !body.reason.trim()) {
      problem.textContent = "Say why, in a few words; it is recorded.";
      problem.hidden = false;
      return;
    }
    yes.disabled = true;
    const token = document.querySelector("meta[name=csrf]").content;
    const headers = { "Content-Type": "application/json", "X-Segmentation-CSRF": token };
    try {
      const answer = await ask(path, {}, { method: "POST", headers, body: JSON.stringify(body) });
      window.sessionStorage.setItem("segmentation-notice", answer.message);
      window.location.reload();
    } catch (error) {
      problem.textContent = sentence(error.message);
      problem.hidden = false;
      yes.disabled = false;
    }
  }

  function listenToChanges() {
    for (const button of document.querySelectorAll(".change-champion")) {
      button.addEventListener("click", () => {
        const { model, title, version, action, champion } = button.dataset;
        confirmChange({
          title: action === "promote" ? `Promote version ${version}` : `Roll back to version ${version}`,
          text: champion
            ? `${title} goes from version ${champion} to version ${version}.`
            : `Version ${version} becomes the first champion of ${title}.`,
          note: "What is published stays as it is. The next night scores with this version.",
          path: "champion",
          body: { model, version: Number(version), champion: champion ? Number(champion) : null },
        });
      });
    }
    for (const button of document.querySelectorAll(".reject")) {
      button.addEventListener("click", () => {
        const { model, version } = button.dataset;
        confirmChange({
          title: `Reject version ${version}`,
          text: `Version ${version} never becomes champion; the present one stays.`,
          note: "Who decided and why is recorded.",
          path: "rejection",
          body: { model, version: Number(version) },
          why: true,
        });
      });
    }
    for (const button of document.querySelectorAll(".decide")) {
      button.addEventListener("click", () => {
        const { run, day, decision } = button.dataset;
        const publishes = decision === "publish";
        confirmChange({
          title: publishes ? "Publish all the same" : "Abandon the night",
          text: publishes
            ? `The night of ${day} is shown to everybody, as it is. Do this if the customers are right.`
            : `The night of ${day} is dropped. Correct the source, and run the night again.`,
          note: "Who decided and why is recorded.",
          path: "held",
          body: { run_id: Number(run), decision },
          why: true,
        });
      });
    }
  }

  function showNotice() {
    const message = window.sessionStorage.getItem("segmentation-notice");
    if (!message) return;
    window.sessionStorage.removeItem("segmentation-notice");
    const notice = document.getElementById("notice");
    notice.textContent = message;
    notice.hidden = false;
  }

  listenToForms();
  listenToChanges();
  showNotice();
  if (plot("sizes")) {
    status.textContent = document.title;
    const moves = document.getElementById("moves");
    if (moves) drawMovement(moves);
    drawNight().then(drawCustomers);
  }
})();
