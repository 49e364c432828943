// Follows the payment: asks for its status, redraws the live part, counts down, copies. The page works without it.
(() => {
  'use strict'
  const find = (what, at = document) => at.querySelector(what)
  const all = (what, at = document) => [...at.querySelectorAll(what)]
  const live = find('#live'), say = find('#say'), words = say && say.dataset
  if (!live || !words) return
  const data = live.dataset, offline = find('#offline'), zoom = find('#zoom')
  // The page's language with the digits and the calendar of everything else on it.
  const tongue = document.documentElement.lang + '-u-ca-gregory-nu-latn'
  const minute = 60e3, opened = performance.now()

  let offset = Date.parse(data.now) - Date.now() // the server's clock minus ours
  let pace = 3e3, timer, ticker, overlay, busy, stopped, asked = 0, failures = 0, later = 0
  let hidden = document.hidden ? opened : 0, before, warned, checking, held, away, turns = 0, shown = 0

  // Drawing. patch makes one element like another and keeps every node that stays, so that focus, open details and
  // live regions survive. A field somebody is in keeps its value.
  const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && a.id === b.id &&
    (a.nodeType !== 1 || a.dataset.testid === b.dataset.testid)
  function patch(a, b) {
    for (const { name } of [...a.attributes]) if (!b.hasAttribute(name) && name !== 'open') a.removeAttribute(name)
    for (const { name, value } of b.attributes) if (a.getAttribute(name) !== value) a.setAttribute(name, value)
    if (a.matches('[data-keep]')) return // filled by another script
    let at = a.firstChild
    for (const next of [...b.childNodes]) {
      let old = at
      while (old && !same(old, next)) old = old.nextSibling
      if (!old) { a.insertBefore(next, at); continue }
      while (at !== old) { const gone = at; at = at.nextSibling; gone.remove() }
      at = at.nextSibling
      if (next.nodeType === 1) patch(old, next)
      else if (old.data !== next.data) old.data = next.data
    }
    while (at) { const gone = at; at = at.nextSibling; gone.remove() }
  }

  // What stands in the page for readers without script goes, what needs one comes.
  function prepare(root) {
    for (const node of all('noscript', root)) node.remove()
    for (const button of all('[data-copy]', root)) button.hidden = false
    const back = find('#back', root)
    if (back && away) back.hidden = false // somebody has been in a wallet
  }
  // A reader's clock and calendar are costly to make: once, only the one that is needed, and at first in a task of its own.
  const forms = { clock: { hour: 'numeric', minute: '2-digit' }, date: { day: 'numeric', month: 'long', year: 'numeric' } }, made = {}
  const written = (form, at) => (made[form] ||= new Intl.DateTimeFormat(tongue, forms[form])).format(at)
  function localise(time) {
    const at = new Date(time.dateTime), form = time.dataset.form, east = -at.getTimezoneOffset()
    const zone = 'UTC' + (east ? (east < 0 ? '−' : '+') + (Math.abs(east) / 60 | 0) : '') +
      (east % 60 ? ':' + String(Math.abs(east) % 60).padStart(2, '0') : '')
    time.textContent = form === 'both' ? written('date', at) + ', ' + written('clock', at) : written(form, at)
    if (time.closest('.lock')) time.textContent += ' (' + zone + ')'
    time.title = zone
  }

  function localiseAll(root) { for (const time of all('time[data-form]', root)) localise(time) }

  function draw(next) {
    const field = document.activeElement, state = data.state
    if (live.contains(field) && field.form && field.matches('input') && !find(`form[action="${field.form.getAttribute('action')}"]`, next)) {
      // The form goes, but somebody is in it: wait until they leave it.
      if (!held) field.addEventListener('blur', () => { const last = held; held = null; if (last) draw(last) }, { once: true })
      held = next
      data.rev = next.dataset.rev
      return
    }
    const value = field.value
    held = null
    prepare(next)
    localiseAll(next)
    patch(live, next)
    if (field.matches('input') && field.value !== value) field.value = value
    if (field !== document.activeElement && !field.isConnected) live.focus({ preventScroll: true })
    if (state !== data.state) {
      if (zoom.open) zoom.close()
      const icon = find('#favicon')
      if (icon.getAttribute('href') !== data.favicon) icon.href = data.favicon
    }
    if (zoom.open) enlarge()
    compare()
    before = undefined
    tick()
    report()
    wallets()
  }

  // Asking. One request at a time, ten seconds each.
  async function get(url) {
    const stop = new AbortController(), timeout = setTimeout(() => stop.abort(), 10e3)
    try {
      const res = await fetch(url, { cache: 'no-cache', credentials: 'omit', signal: stop.signal })
      return { res, text: await res.text() }
    } finally { clearTimeout(timeout) }
  }
  // Answers may overtake each other: an older revision is never drawn, of equal ones what was asked for last is, and what is
  // over only makes way for a newer one.
  async function redraw(url) {
    const turn = ++turns, query = location.search.slice(1)
    const { res, text } = await get(url + (query ? (url.includes('?') ? '&' : '?') + query : ''))
    const next = res.ok && find('#live', new DOMParser().parseFromString(text, 'text/html'))
    if (!next) throw new Error('fragment ' + res.status)
    const newer = next.dataset.rev - data.rev
    if (newer < 0 || (!newer && (turn < shown || data.final === 'true'))) return
    if (turn < shown) return redraw(url) // newer, but of a code nobody looks at any more
    shown = turn
    draw(next)
  }
  async function poll() {
    if (busy || stopped) return
    busy = true
    clearTimeout(timer)
    later = 0
    const sent = asked = Date.now()
    try {
      const { res, text } = await get(data.statusUrl)
      if (res.status === 404 || res.status === 410) { stopped = true; return }
      later = 1e3 * res.headers.get('Retry-After') || 0
      if (!res.ok) throw new Error('status ' + res.status)
      const s = JSON.parse(text), date = Date.parse(res.headers.get('Date'))
      // After a 304 the browser hands out the old body; then the Date header is the newer clock. It has whole seconds, so
      // it is believed only when ours is off by more, or the countdown would go to and fro.
      const now = Date.parse(s.now), old = date - now > 1500, found = (old ? date + 500 : now) - (sent + Date.now()) / 2
      if (!old || Math.abs(found - offset) > 1e3) offset = found
      // A lock that has run out may show in the page before it shows in the revision.
      if (String(s.rev) !== data.rev || s.state !== data.polled || checking) await redraw(data.fragment + '?rev=' + s.rev)
      pace = s.poll_ms || pace
      stopped = s.final
      failures = 0
      clearTimeout(overlay)
      offline.hidden = true
      checking = checking && data.lockUntil && Date.parse(data.lockUntil) <= Date.now() + offset
    } catch {
      if (!failures++) overlay = setTimeout(() => { offline.hidden = false }, 30e3)
    } finally {
      busy = false
      plan()
      tick()
    }
  }
  function plan() {
    clearTimeout(timer)
    if (stopped || (hidden && performance.now() - hidden > 30 * minute)) return
    const age = performance.now() - opened
    const soon = age < 3 * minute || checking || data.state === 'detected' || (data.state === 'confirming' && pace <= 3e3)
    let wait = Math.max(pace, soon ? 3e3 : age < 10 * minute ? 5e3 : age < 60 * minute ? 10e3 : 30e3)
    if (hidden) wait = Math.max(wait, 37.5e3) // 30 s with the most jitter
    if (failures) wait = [5e3, 10e3, 20e3, 40e3, 60e3][Math.min(failures, 5) - 1]
    timer = setTimeout(poll, Math.max(wait * (0.8 + 0.4 * Math.random()), later))
  }
  // Somebody looks again: the state first, then the clock.
  function wake() {
    if (document.hidden) return
    hidden = 0
    tick()
    if (Date.now() - asked > 1e3 || Date.now() < asked) poll()
  }

  // Counting down. The script never decides that the price has ended; it asks.
  function tick() {
    clearTimeout(ticker)
    const left = find('[data-left]', live), until = Date.parse(data.lockUntil)
    const ms = until - Date.now() - offset, s = Math.ceil(ms / 1e3)
    let title = data.title
    if (left && until) {
      const text = s <= 0 ? words.checking
        : s < 300 ? words.seconds.replace('{n}', (s / 60 | 0) + ':' + String(s % 60).padStart(2, '0'))
          : words.minutes.replace('{n}', s / 60 | 0)
      if (left.textContent !== text) left.textContent = text
      left.className = 'ticking'
      if (s > 0 && s <= 300) title = words.short.replace('{n}', Math.ceil(s / 60)) + ' ' + title
      const passed = (mark) => before > mark && s <= mark
      if (passed(300)) tell(words.soon)
      if (passed(60)) tell(words.last)
      if (passed(0)) tell(words.ended)
      before = s
      if (s <= 0 && !checking) { checking = true; if (Date.now() - asked > 1e3 || Date.now() < asked) poll(); else plan() }
      if (s < 120 && s > 0 && data.state === 'waiting' && warned !== until) { warned = until; redraw(data.fragment).catch(() => setTimeout(() => { warned = 0 }, 15e3)) }
      if (!document.hidden && s > 0) ticker = setTimeout(tick, (ms % 1e3 || 1e3) + 5)
    }
    if (document.title !== title) document.title = title
  }
  function tell(text) { say.textContent = ''; say.textContent = text }

  // Copying: the modern way fails in frames, the old one works there, and selecting always does.
  async function copy(button) {
    const text = button.dataset.copy, label = find('span', button)
    let done = true
    try { await navigator.clipboard.writeText(text) } catch {
      const area = document.body.appendChild(document.createElement('textarea'))
      area.className = 'sr'
      area.value = text
      area.select()
      done = document.execCommand('copy')
      area.remove()
      button.focus({ preventScroll: true })
      if (!done) getSelection().selectAllChildren(find('.addr, data', button.parentElement))
    }
    const old = button.dataset.label || (button.dataset.label = label.textContent)
    label.textContent = done ? words.copied : words.keys
    tell(label.textContent)
    setTimeout(() => { label.textContent = old }, 2500)
  }

  // Embedded: one origin, the one the merchant lists, is told what it may know, and only it is listened to. A message never
  // holds an address, an amount, a transaction or a name.
  const { parentOrigin, channel, invoice } = document.body.dataset, framed = parentOrigin && parent !== window
  let told = 0, high = 0, saidAt = 0
  const send = (type, more) => { if (framed) parent.postMessage({ v: 1, type: 'pay:' + type, id: invoice, channel, ...more }, parentOrigin) }
  const height = () => Math.ceil(document.body.getBoundingClientRect().height)
  function report() {
    const key = data.state + data.rev
    if (framed && told !== key) send('status', { status: data.state, final: data.final === 'true', rev: Number(data.rev) })
    told = key
  }
  function close() { send('close', { reason: /^paid/.test(data.state) ? 'paid' : /^expired/.test(data.state) ? 'expired' : 'user' }) }
  if (framed) {
    find('[data-close]').hidden = false
    send('ready', { height: height(), status: data.state, version: 1 })
    if (data.asset) send('method', { asset: data.asset })
    report()
    // At most ten times a second, and only when it has changed.
    const resized = () => { if (height() !== high) { high = height(); saidAt = performance.now(); send('resize', { height: high }) } }
    // The frame has the keys, so the dialog around it does not hear this one.
    addEventListener('keydown', (e) => { if (e.key === 'Escape' && !zoom.open && !e.defaultPrevented) close() })
    let waits
    new ResizeObserver(() => {
      clearTimeout(waits)
      waits = setTimeout(resized, Math.max(0, 100 - performance.now() + saidAt))
    }).observe(document.body)
    addEventListener('message', (e) => {
      const m = e.data
      if (e.source !== parent || e.origin !== parentOrigin || typeof m !== 'object' || !m || m.v !== 1 || m.channel !== channel || m.id !== invoice) return
      if (m.type === 'pay:theme' && ['light', 'dark'].includes(m.mode)) document.documentElement.dataset.theme = m.mode
      if (m.type === 'pay:close_request') close()
      if (m.type === 'pay:focus') live.focus()
    })
  }

  // The code as large as the screen; a code that is not asked for any more is not shown large either.
  function enlarge() {
    const code = find('.qr svg', live)
    if (!code) return zoom.close()
    find('.qr', zoom).replaceChildren(code.cloneNode(true))
    find('linearGradient', zoom).remove() // the one of the page is the same
  }

  document.addEventListener('click', (e) => {
    const at = (what) => e.target.closest && e.target.closest(what)
    if (e.button || e.metaKey || e.ctrlKey || e.shiftKey) return
    if (at('[data-copy]')) copy(at('[data-copy]'))
    else if (at('[data-close]')) close()
    else if (at('[data-return]')) send('return')
    else if (at('[data-retry]')) poll()
    else if (at('[data-wallet]')) { away = true; prepare(live) }
    else if (at('[data-tab]')) {
      const { href } = at('[data-tab]')
      e.preventDefault()
      history.replaceState(null, '', href)
      redraw(data.fragment).catch(() => location.reload())
    } else if (at('[data-enlarge]') && zoom.showModal) {
      e.preventDefault()
      enlarge()
      zoom.showModal()
      zoom.focus() // or the key that opened it presses its button as well
    } else if (e.target === zoom) zoom.close()
  })
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) return wake()
    hidden = performance.now()
    plan()
  })
  for (const event of ['pageshow', 'focus', 'online']) addEventListener(event, (e) => { if (event !== 'pageshow' || e.persisted) wake() })

  // Comparing the address with what a wallet shows: malware swaps what is copied. Nothing of it leaves the page. Where case
  // means nothing, or is only a checksum (0x…), all of one case is the same address.
  const comparing = find('[data-compare]')
  function compare() {
    if (!comparing) return
    const answer = find('output', comparing), at = find('[data-testid=address]', live), bare = (text) => text.replace(/\s/g, '')
    const typed = bare(find('input', comparing).value), address = at ? bare(at.textContent) : '', low = typed.toLowerCase(), digits = typed.slice(2)
    const any = address === address.toLowerCase() || (address.startsWith('0x') && (typed === low || digits === digits.toUpperCase()))
    const same = typed === address || (any && low === address.toLowerCase())
    const text = typed && address ? (same ? comparing.dataset.same : comparing.dataset.other) : ''
    if (answer.textContent !== text) answer.textContent = text
    answer.className = same ? 'is-ok' : 'is-bad'
  }
  if (comparing) {
    comparing.hidden = false
    find('input', comparing).addEventListener('input', compare)
  }

  // Wallets in the browser have a script of their own, which comes only where there is one: a wallet answers (EIP-6963), or
  // has put itself into the window.
  let looked
  function wallets() {
    const box = find('#injected', live)
    if (!box || looked) return
    looked = true
    let script
    const load = () => {
      if (script) return
      script = document.head.appendChild(document.createElement('script'))
      script.src = box.dataset.script
    }
    const look = () => { if (window.ethereum || window.tron) load() }
    addEventListener('eip6963:announceProvider', load, { once: true })
    dispatchEvent(new Event('eip6963:requestProvider'))
    look()
    for (const ms of [300, 1500]) setTimeout(look, ms)
  }

  stopped = data.final === 'true'
  prepare(live)
  setTimeout(localiseAll, 0, live)
  wallets()
  tick()
  plan()
})()
