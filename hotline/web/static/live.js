// What changes while a page is open: the count of new notices in the menu, and a word when the page is not fresh any more.
// Other scripts hear it as events of the document: live:ticket, live:notice, live:seen, live:call, live:presence, live:anew (fetch what you show
// again), live:lost, live:found; detail holds ids and kinds. An element with data-live-ticket="NUMBER" says which ticket a
// page shows. A page that nobody looks at listens to nothing, and asks anew when it is looked at again.
"use strict";

(() => {
  const bar = document.getElementById("live");
  const link = document.querySelector('nav a[href="/notices"]');
  if (!bar || !window.EventSource) return;
  const label = link ? link.textContent : "";
  const shown = document.querySelector("[data-live-ticket]");
  let source = null;
  let doubt = 0;
  let silence = 0;
  let again = 0;
  let wasLost = false;
  let counting = 0;

  function say(what) {
    bar.dataset.says = what;
    bar.firstElementChild.textContent = bar.dataset[what];
    bar.hidden = false;
  }

  function hush(what) {
    if (bar.dataset.says === what) bar.hidden = true;
  }

  function tell(name, detail) {
    document.dispatchEvent(new CustomEvent(`live:${name}`, { detail }));
  }

  function countSoon() {
    clearTimeout(counting);
    counting = setTimeout(count, 300);
  }

  async function count() {
    try {
      const answer = await fetch("/api/v1/notices/unread");
      if (!answer.ok || !link) return;
      const { unread } = await answer.json();
      link.textContent = unread ? `${label} (${unread >= 100 ? "99+" : unread})` : label;
      link.title = unread ? bar.dataset.new.replace("{n}", unread >= 100 ? "99+" : unread) : "";
    } catch {
      // The next event, or the next page, counts again.
    }
  }

  const heard = {
    alive() {},
    hello() {
      countSoon();
      missed();
    },
    notice() {
      countSoon();
    },
    seen() {
      countSoon();
    },
    anew() {
      countSoon();
      missed();
    },
    call() {},
    presence() {},
    ticket(detail) {
      if (shown && shown.dataset.liveTicket === detail.id) say("moved");
    },
    bye() {
      clearTimeout(doubt);
      close();
      say("over");
    },
  };

  // Every quarter of a minute the server says something; a line that is silent for longer is lost, whatever the browser thinks.
  function isAlive() {
    clearTimeout(doubt);
    clearTimeout(silence);
    doubt = 0;
    silence = setTimeout(() => {
      lose();
      reopen();
    }, 40000);
    hush("lost");
  }

  function lose() {
    wasLost = true;
    say("lost");
    tell("lost", {});
  }

  // After a loss the line begins anew: what came meanwhile is fetched, not told.
  function missed() {
    if (!wasLost) return;
    wasLost = false;
    say("back");
    tell("anew", {});
  }

  function open() {
    source = new EventSource("/api/v1/live");
    for (const name of Object.keys(heard)) {
      source.addEventListener(name, (event) => {
        const detail = JSON.parse(event.data);
        isAlive();
        heard[name](detail);
        tell(name, detail);
      });
    }
    source.addEventListener("open", () => {
      isAlive();
      tell("found", {});
    });
    // The browser comes back by itself; only a line that stays lost is worth a word. After a refusal it does not.
    source.addEventListener("error", () => {
      if (!doubt) doubt = setTimeout(lose, 4000);
      if (source && source.readyState === EventSource.CLOSED) reopen();
    });
  }

  function close() {
    clearTimeout(silence);
    clearTimeout(again);
    if (source) source.close();
    source = null;
  }

  function reopen() {
    close();
    again = setTimeout(open, 6000);
  }

  window.addEventListener("offline", () => {
    close();
    lose();
  });
  window.addEventListener("online", () => {
    if (!source) open();
  });

  // A browser has few connections for one server: pages in the background give theirs back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(doubt);
      doubt = 0;
      close();
    } else if (!source) {
      open();
      tell("anew", {});
    }
  });
  if (!document.hidden) open();
})();
