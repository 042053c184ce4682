// Makes pages quicker to use. Everything works without it, but copying, the live stream and the choice of a scheme.
'use strict';
const root = document.documentElement;
root.classList.add('js');
const $ = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const say = text => { const at = $('#said'); if (at) at.textContent = text; };

// Where the row of pages is too long for the window, the current one is in sight.
$('.tabs [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

// The scheme is kept in a cookie, so that the server draws the page in it.
$('#theme')?.addEventListener('click', () => {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
});

document.addEventListener('click', async event => {
  const button = event.target.closest('[data-copy]');
  if (button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = 'copied';
      say('Copied');
    } catch {
      button.textContent = 'not allowed';
    }
    setTimeout(() => { button.textContent = 'copy'; }, 1500);
  }
  for (const open of all('details.picker[open]')) if (!open.contains(event.target)) open.open = false;
  const sure = event.target.closest('[data-sure]');
  if (sure && !confirm(sure.dataset.sure)) event.preventDefault();
});

// Keys: / searches, t opens the time, j and k walk the rows of the first table, Enter opens, Escape closes.
document.addEventListener('keydown', event => {
  if (event.key === 'Escape') for (const open of all('details.picker[open]')) { open.open = false; $('summary', open).focus(); }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return;
  if (event.key === '/') { event.preventDefault(); $('#q')?.focus(); }
  if (event.key === 't') { const time = $('#time'); if (time) { time.open = true; $('a, input', time).focus(); } }
  if (event.key === 'j' || event.key === 'k') {
    const links = all('table.walk tbody tr').map(row => $('a', row)).filter(Boolean);
    const at = links.findIndex(link => link.closest('tr').contains(document.activeElement));
    links[Math.min(links.length - 1, Math.max(0, at + (event.key === 'j' ? 1 : -1)))]?.focus();
  }
});

// Times show the reader's own zone when pointed at.
document.addEventListener('pointerover', event => {
  const time = event.target.closest('time');
  if (time && !time.title) time.title = new Date(time.dateTime).toLocaleString();
});

// To drag over a chart is to look at that range of time.
for (const chart of all('figure.chart[data-from]')) {
  const svg = $('svg', chart);
  const from = Number(chart.dataset.from), until = Number(chart.dataset.until);
  let start = null, mark = null;
  const at = event => { const box = svg.getBoundingClientRect(); return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)); };
  svg.addEventListener('pointerdown', event => {
    if (event.pointerType !== 'mouse' || event.button !== 0) return;
    start = at(event);
    svg.setPointerCapture(event.pointerId);
    mark = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    mark.setAttribute('class', 'selection');
    mark.setAttribute('height', svg.viewBox.baseVal.height);
    svg.append(mark);
  });
  svg.addEventListener('pointermove', event => {
    if (start === null) return;
    const [a, b] = [start, at(event)].sort((x, y) => x - y);
    mark.setAttribute('x', a * svg.viewBox.baseVal.width);
    mark.setAttribute('width', (b - a) * svg.viewBox.baseVal.width);
  });
  svg.addEventListener('pointerup', event => {
    if (start === null) return;
    const [a, b] = [start, at(event)].sort((x, y) => x - y);
    start = null;
    mark.remove();
    if (b - a < 0.01) return;
    const iso = share => new Date(from + share * (until - from)).toISOString().slice(0, 19);
    const to = new URL(location);
    to.searchParams.delete('range');
    to.searchParams.delete('before');
    to.searchParams.set('from', iso(a));
    to.searchParams.set('to', iso(b));
    location = to;
  });
}

// The live stream: rows come as the server draws them everywhere else.
const live = $('#live');
if (live) {
  const body = $('#exchanges tbody'), state = $('#live-state'), pause = $('#live-pause');
  const most = 200;
  let waiting = [], paused = false, shown = 0, lost = 0;
  const tell = () => {
    state.textContent = (paused ? `Paused, ${waiting.length} waiting` : `Watching, ${shown} since this page was opened`) + (lost ? `; ${lost} came too fast to be shown` : '');
    $('#live-empty')?.toggleAttribute('hidden', body.rows.length > 0);
  };
  const show = html => {
    const holder = document.createElement('template');
    holder.innerHTML = html;
    for (const row of holder.content.children) row.className = 'fresh';
    body.prepend(holder.content);
    while (body.rows.length > most) body.rows[body.rows.length - 1].remove();
    shown++;
  };
  const source = new EventSource(live.dataset.stream);
  source.addEventListener('exchange', event => {
    if (paused) { waiting.push(event.data); if (waiting.length > most) { waiting.shift(); lost++; } } else show(event.data);
    tell();
  });
  source.addEventListener('lost', event => { lost += Number(event.data); tell(); });
  source.addEventListener('open', tell);
  source.addEventListener('error', () => { state.textContent = source.readyState === EventSource.CLOSED ? 'The stream has ended: reload the page to go on' : 'The connection was lost; trying again'; });
  pause.addEventListener('click', () => {
    paused = !paused;
    pause.textContent = paused ? 'Go on' : 'Pause';
    if (!paused) { waiting.forEach(show); waiting = []; }
    tell();
  });
}

// What takes long tells how far it is, and is shown when it has ended.
const progress = $('progress[data-stream]');
if (progress) {
  const source = new EventSource(progress.dataset.stream), said = $('#progress-said');
  source.addEventListener('progress', e => { const [share, ...words] = e.data.split(' '); progress.value = Number(share); said.textContent = words.join(' '); });
  source.addEventListener('end', () => { source.close(); location.reload(); });
}

// The verification of the audit log tells how far it is.
$('#verify')?.addEventListener('click', event => {
  const button = event.target, bar = $('#verify-progress'), result = $('#verify-result');
  button.disabled = true;
  bar.hidden = false;
  result.textContent = 'Verifying';
  const source = new EventSource(button.dataset.stream);
  const end = (kind, text) => {
    source.close();
    button.disabled = false;
    bar.hidden = true;
    const lines = document.createElement('pre');
    lines.className = `notice ${kind}`;
    lines.textContent = text;
    result.replaceChildren(lines);
  };
  source.addEventListener('progress', e => { const [done, all] = e.data.split(' ').map(Number); bar.value = all ? done / all : 0; });
  source.addEventListener('sound', e => end('works', e.data));
  source.addEventListener('finding', e => end('fails', e.data));
  source.addEventListener('trouble', e => end('fails', e.data));
  source.addEventListener('error', () => end('fails', 'The log could not be verified now. Somebody else may be doing so; try again in a moment.'));
});
