// What pages do beyond HTML and htmx. Every part works without it, only less quickly.
(() => {
  'use strict';
  const root = document.documentElement;
  root.classList.add('js');

  // A choice that is the whole form's: sent when it is made.
  document.addEventListener('change', event => {
    if (event.target.matches('[data-submit]')) event.target.form.requestSubmit();
    if (event.target.matches('.pick-all')) pickAll(event.target);
    if (event.target.matches('.pick')) picked(event.target.closest('.list'));
    if (event.target.matches('input[type=file]')) chosen(event.target);
  });

  // Whoever enters a day means a period from day to day. This comes before what
  // sends the form.
  document.addEventListener('change', event => {
    const period = event.target.matches('input[type=date]') && event.target.form?.elements.period;
    if (period) period.value = 'days';
  }, true);

  // Choosing rows: all of the page, and how many there are, said once in words.
  function pickAll(box) {
    const list = box.closest('.list');
    for (const pick of list.querySelectorAll('.pick')) pick.checked = box.checked;
    picked(list);
  }
  function picked(list) {
    const picks = [...list.querySelectorAll('.pick')];
    const n = picks.filter(p => p.checked).length;
    const all = list.querySelector('.pick-all');
    if (all) {
      all.checked = n > 0 && n === picks.length;
      all.indeterminate = n > 0 && n < picks.length;
    }
    const told = list.querySelector('[data-chosen]');
    if (told) told.textContent = n ? told.dataset.chosen.replace('%', n) : '';
  }
  document.addEventListener('click', event => {
    const none = event.target.closest('[data-choose-none]');
    if (none) {
      event.preventDefault();
      const list = none.closest('.list');
      for (const pick of list.querySelectorAll('.pick')) pick.checked = false;
      picked(list);
      list.querySelector('.pick-all')?.focus();
    }
    const button = event.target.closest('[data-copy]');
    if (button) copy(button);
  });

  // A text is copied; where it can't be, since the page came without TLS, it is marked.
  async function copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      getSelection().selectAllChildren(button.previousElementSibling);
      return;
    }
    button.classList.add('copied');
    button.textContent = button.dataset.copied;
  }

  // A question that is a page of its own comes into a dialog over this one.
  document.addEventListener('click', async event => {
    const link = event.target.closest('a[data-ask]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    ask(link.href, link);
  });
  document.addEventListener('submit', event => {
    const button = event.submitter;
    if (!button?.matches('[data-ask]')) return;
    event.preventDefault();
    const data = new URLSearchParams(new FormData(event.target, button));
    // formAction is the page's own address where the button has none.
    const action = button.hasAttribute('formaction') ? button.formAction : event.target.action;
    ask(action.split('?')[0] + '?' + data, button);
  });
  async function ask(address, from) {
    let html;
    try {
      const answer = await fetch(address, {headers: {'HX-Request': 'true', 'Accept': 'text/html'}});
      if (!answer.ok) throw new Error(answer.status);
      html = await answer.text();
    } catch {
      location.href = address;
      return;
    }
    const question = new DOMParser().parseFromString(html, 'text/html').querySelector('[data-question]');
    if (!question) {
      location.href = address;
      return;
    }
    const dialog = document.createElement('dialog');
    dialog.className = 'ask';
    dialog.setAttribute('aria-labelledby', question.querySelector('h1, h2').id);
    dialog.append(document.importNode(question, true));
    dialog.addEventListener('close', () => {
      dialog.remove();
      focusOn(from);
    });
    dialog.addEventListener('click', event => {
      if (event.target.closest('[data-keep]')) {
        event.preventDefault();
        dialog.close();
      }
    });
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector('[data-keep]')?.focus();
  }

  // The focus goes to an element, or to what opens the menu that it is in.
  function focusOn(element) {
    const menu = element.closest('[popover]');
    const opens = menu && document.querySelector(`[popovertarget="${menu.id}"]`);
    (element.checkVisibility() ? element : opens)?.focus();
  }

  // A file that is dropped on the field's place.
  document.addEventListener('dragover', event => {
    const place = event.target.closest?.('.drop');
    if (place) {
      event.preventDefault();
      place.classList.add('over');
    }
  });
  document.addEventListener('dragleave', event => event.target.closest?.('.drop')?.classList.remove('over'));
  document.addEventListener('drop', event => {
    const place = event.target.closest?.('.drop');
    if (!place) return;
    event.preventDefault();
    place.classList.remove('over');
    const field = place.querySelector('input[type=file]');
    field.files = event.dataTransfer.files;
    chosen(field);
  });
  function chosen(field) {
    const told = field.closest('.drop')?.querySelector('[data-file]');
    if (told) told.textContent = [...field.files].map(f => f.name).join(', ');
  }

  // A stream that is lost: the sign goes hollow and says since when.
  const live = () => document.getElementById('as-of');
  document.addEventListener('htmx:sse:error', () => lost(true));
  document.addEventListener('htmx:sse:close', () => lost(true));
  document.addEventListener('htmx:sse:after:connection', () => lost(false));
  document.addEventListener('htmx:sse:after:message', () => lost(false));
  function lost(is) {
    live()?.classList.toggle('lost', is);
  }
  // A stream that is nobody's any more, or not this role's: the page is asked for
  // again, which leads to where one signs in, or says who may.
  document.addEventListener('ended', event => {
    if (event.target.matches?.('[hx-sse\\:connect]')) location.reload();
  });
  document.addEventListener('htmx:sse:error', event => {
    if (event.detail?.status === 403) location.reload();
  });

  // A row that has the focus may leave a list that is live: the focus goes to the one
  // next to where it was, and not to the top of the page.
  let focused;
  document.addEventListener('htmx:sse:before:message', () => {
    const row = document.activeElement?.closest('tr[data-id]');
    focused = row && {list: row.closest('table').id, place: row.sectionRowIndex};
  });
  document.addEventListener('htmx:sse:after:message', () => {
    if (!focused || document.activeElement !== document.body) return;
    const rows = document.getElementById(focused.list)?.tBodies[0].rows ?? [];
    rows[Math.min(focused.place, rows.length - 1)]?.querySelector('a, button')?.focus({preventScroll: true});
  });

  // Back to a page that was left after signing out: it is asked for again.
  addEventListener('pageshow', event => {
    if (event.persisted) location.reload();
  });
})();
