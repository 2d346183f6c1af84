// Keeps the page fresh: when the server tells of a change, the page is fetched again, and what differs is put in place.
"use strict";

(() => {
  const live = document.getElementById("live");
  const pause = 250; // at least so long between two refreshes, in milliseconds
  let events = null;
  let due = null;
  let busy = false;
  let again = false;

  const say = (text) => {
    if (live.textContent !== text) live.textContent = text;
  };

  // morph changes as little as needed, so that focus and selection stay and a screen reader hears what is new only.
  const morph = (from, to) => {
    if (from.isEqualNode(to)) return;
    if (from.nodeType !== Node.ELEMENT_NODE || from.nodeName !== to.nodeName) {
      from.replaceWith(document.importNode(to, true));
      return;
    }
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name)) from.removeAttribute(name);
    }
    for (const { name, value } of to.attributes) {
      if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    if ([...to.children].some((child) => child.dataset.key)) morphKeyed(from, to);
    else morphOrdered(from, to);
  };

  const morphOrdered = (from, to) => {
    let at = from.firstChild;
    for (const wanted of [...to.childNodes]) {
      if (!at) {
        from.append(document.importNode(wanted, true));
        continue;
      }
      const next = at.nextSibling;
      morph(at, wanted);
      at = next;
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  };

  const morphKeyed = (from, to) => {
    const wanted = new Set([...to.children].map((child) => child.dataset.key));
    const known = new Map();
    for (const child of [...from.children]) {
      if (child.dataset.key && wanted.has(child.dataset.key)) known.set(child.dataset.key, child);
      else child.remove();
    }
    let at = from.firstElementChild;
    for (const child of [...to.children]) {
      const have = known.get(child.dataset.key);
      if (!have) {
        from.insertBefore(document.importNode(child, true), at);
      } else if (have === at) {
        at = at.nextElementSibling;
        morph(have, child);
      } else {
        from.insertBefore(have, at);
        morph(have, child);
      }
    }
  };

  const refresh = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (response.ok) {
        const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
        const bottom = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 4;
        const scrolls = document.documentElement.scrollHeight > window.innerHeight;
        for (const region of document.querySelectorAll("[data-live]")) {
          const wanted = fresh.getElementById(region.id);
          if (wanted) morph(region, wanted);
        }
        if (bottom && scrolls) window.scrollTo(0, document.documentElement.scrollHeight);
      }
    } catch {
      // The server has gone; the stream of events says so.
    }
    busy = false;
    if (again) {
      again = false;
      soon();
    }
  };

  const soon = () => {
    due ??= setTimeout(() => {
      due = null;
      refresh();
    }, pause);
  };

  const connect = () => {
    events = new EventSource(document.body.dataset.changes);
    events.addEventListener("open", () => {
      say(live.dataset.fresh);
      soon();
    });
    events.addEventListener("change", soon);
    events.addEventListener("error", () => {
      say(live.dataset.lost);
      if (events.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
    });
  };

  // A browser opens few connections to one server: pages that nobody looks at give theirs back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      events?.close();
      events = null;
    } else if (!events) {
      connect();
    }
  });
  window.addEventListener("pagehide", () => events?.close());
  if (!document.hidden) connect();
})();
