// What every page does beyond HTML: dialogs, keys, live lists, selection. Nothing here decides anything.
"use strict";
(() => {
  const one = (wanted, within = document) => within.querySelector(wanted);
  const all = (wanted, within = document) => [...within.querySelectorAll(wanted)];
  const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

  // Dialogs open by a button, and close by theirs or by a click beside them.
  const open = (id) => {
    const dialog = document.getElementById(id);
    if (dialog && !dialog.open) dialog.showModal();
  };
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) open(opener.dataset.opens);
    if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
    if (event.target.matches("dialog")) event.target.close();
    all("details.me[open]").forEach((menu) => menu.contains(event.target) || menu.removeAttribute("open"));
  });
  all("dialog[data-reopen]").forEach((dialog) => dialog.showModal());

  // A form that was handed in is not handed in twice; its number would make it count once anyway.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    setTimeout(() => all("button", event.target).forEach((button) => { button.disabled = true; }));
  });
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());

  // Keys: whatever has data-key answers to it; lists have a cursor of their own.
  const rows = () => all("[data-row]");
  const move = (step) => {
    const every = rows();
    if (!every.length) return;
    const at = every.findIndex((row) => row.hasAttribute("data-at"));
    every.forEach((row) => row.removeAttribute("data-at"));
    const row = every[Math.min(Math.max(at + step, 0), every.length - 1)];
    row.setAttribute("data-at", "");
    one(".lead", row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const pressed = (key) => all("[data-key]").find((each) => each.dataset.key === key && each.offsetParent !== null);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || one("dialog[open]")) return;
    if (event.key === "?") { open("help"); event.preventDefault(); return; }
    if (event.key === "j" || event.key === "k") { move(event.key === "j" ? 1 : -1); return; }
    if (event.key === "x") { one("[data-row][data-at] input[type=checkbox]")?.click(); return; }
    const button = pressed(event.key === "=" ? "+" : event.key);
    if (button) { event.preventDefault(); button.matches("input") ? button.focus() : button.click(); return; }
    const next = one("[data-next]");
    if (event.key === "n" && next) location.assign(next.dataset.next);
  });

  // Selection: what is decided together is of one kind.
  const tally = () => {
    const bar = one("[data-together]");
    if (!bar) return;
    const picked = all("[data-row]").filter((row) => one("input[type=checkbox]", row)?.checked);
    const kinds = new Set(picked.map((row) => row.dataset.kind));
    bar.hidden = picked.length === 0;
    one("[data-count]", bar).textContent = picked.length;
    one("[data-unlike]", bar).hidden = kinds.size < 2;
    one("[type=submit]", bar).disabled = kinds.size !== 1;
  };
  document.addEventListener("change", (event) => event.target.closest("[data-batch]") && tally());
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-clear]")) return;
    all("[data-row] input[type=checkbox]").forEach((box) => { box.checked = false; });
    tally();
  });
  // A list that is fetched anew keeps what was picked.
  let kept = new Set();
  document.addEventListener("htmx:beforeSwap", () => {
    kept = new Set(all("[data-row] input:checked").map((box) => box.value));
  });
  document.addEventListener("htmx:afterSwap", () => {
    all("[data-row] input[type=checkbox]").forEach((box) => { box.checked = kept.has(box.value); });
    tally();
  });
  document.addEventListener("htmx:configRequest", (event) => {
    // An address without what is not looked for can be read, and shared.
    for (const [name, value] of [...event.detail.formData.entries()]) if (value === "") event.detail.formData.delete(name);
  });

  // Live: one line to the desk while the page is looked at; a change fetches the list, or says that the page is old.
  const live = one("[data-live]");
  if (live) {
    let line = null;
    let known = new URL(live.dataset.live, location.href).searchParams.get("known") || "";
    const busy = () => one("dialog[open]") || all("textarea").some((each) => each.value !== each.defaultValue);
    const told = () => {
      if (live.dataset.refreshes) { htmx.trigger(one(live.dataset.refreshes), "refresh"); return; }
      if (!busy()) { location.reload(); return; }
      all("dialog[open] form").forEach((form) => {
        if (one(".problem", form)) return;
        const note = document.createElement("p");
        note.className = "problem quietly";
        note.setAttribute("role", "alert");
        note.textContent = "This has changed while you were looking. Close this to see how it stands now.";
        form.prepend(note);
        form.closest("dialog").addEventListener("close", () => location.reload());
      });
    };
    const connect = () => {
      if (line || document.hidden) return;
      const url = new URL(live.dataset.live, location.href);
      if (known) url.searchParams.set("known", known);
      line = new EventSource(url);
      line.addEventListener("changed", (event) => {
        const first = known === "";
        known = event.data;
        if (!first) told();
      });
      line.addEventListener("left", () => { line.close(); location.reload(); });
    };
    const rest = () => { line?.close(); line = null; };
    document.addEventListener("visibilitychange", () => (document.hidden ? rest() : connect()));
    window.addEventListener("pagehide", rest);
    connect();
  }
  setTimeout(() => all(".toast[role=status]").forEach((each) => each.remove()), 8000);
})();
