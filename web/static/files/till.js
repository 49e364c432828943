// The till: a keypad, the sound and the next sale after a payment, the screen kept awake, and a word about the connection. Every
// page of it works without.
(() => {
  'use strict'
  const find = (what, at = document) => at.querySelector(what)
  const body = document.body, pad = find('#pad'), net = find('#net'), live = find('#live[data-sale]')
  const { home, worker } = body.dataset, own = new URL(home, location.href).pathname // without the language somebody chose

  // Installed, it opens without a connection too: the worker keeps the keypad, and nothing else.
  if (navigator.serviceWorker && worker) navigator.serviceWorker.register(worker, { scope: '/t/' }).catch(() => {})

  // A browser that can install it says so; until then there is nothing to press.
  const install = find('#install')
  let offer
  addEventListener('beforeinstallprompt', (e) => { offer = e; install.hidden = false })
  addEventListener('appinstalled', () => { install.hidden = true })
  install.addEventListener('click', () => { install.hidden = true; offer.prompt() })

  // The screen stays on while somebody may pay.
  const awake = () => { if (!document.hidden && navigator.wakeLock) navigator.wakeLock.request('screen').catch(() => {}) }
  document.addEventListener('visibilitychange', awake)
  awake()

  // Times are the reader's.
  for (const time of document.querySelectorAll('time[data-form=both]')) {
    time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang + '-u-ca-gregory-nu-latn', { dateStyle: 'short', timeStyle: 'short' })
  }

  // Whether there is a connection is what the last attempt said, not only what the system believes.
  let off = false
  const word = find('[role=status]', net), words = { on: word.textContent, off: word.dataset.offline }
  function connection(up) {
    off = !up
    net.hidden = false
    if (word.textContent !== (up ? words.on : words.off)) word.textContent = up ? words.on : words.off
    net.className = 'badge net ' + (up ? 'is-ok' : 'is-idle')
    if (pad) { find('#why').hidden = up; ready() }
  }
  async function probe() {
    try {
      const stop = new AbortController(), timeout = setTimeout(() => stop.abort(), 10e3)
      const res = await fetch(own + '/alive', { cache: 'no-store', credentials: 'omit', signal: stop.signal })
      clearTimeout(timeout)
      connection(res.ok)
      if (res.status === 403 || res.status === 404) location.reload() // it was switched off
    } catch { connection(false) }
  }
  addEventListener('online', probe)
  addEventListener('offline', () => connection(false))
  setInterval(() => { if (!document.hidden) probe() }, 20e3)
  if (pad) probe(); else connection(navigator.onLine)

  // The keypad: digits are smallest units, as on every till.
  const entry = pad && find('#amount', pad), charge = pad && find('#charge', pad)
  let typed = ''
  function sum() {
    const scale = Number(pad.dataset.scale), digits = typed.padStart(scale + 1, '0')
    return scale ? digits.slice(0, -scale) + '.' + digits.slice(-scale) : digits
  }
  function ready() { if (entry) charge.disabled = off || !Number(typed); else if (charge) charge.disabled = off }
  function show(spoken) {
    entry.value = sum()
    entry.classList.toggle('is-long', entry.value.length > 9)
    charge.textContent = pad.dataset.label.replace('{amount}', sum())
    if (spoken) find('#total').textContent = sum()
    ready()
  }
  function press(key) {
    if (key === 'clear') typed = ''
    else if (key === 'erase') typed = typed.slice(0, -1)
    else if (typed.length < Number(pad.dataset.most)) typed = (typed + key).replace(/^0+/, '')
    show(true)
  }
  // A form is good for one sale: who comes back to it begins another.
  function fresh() {
    if (pad) find('[name=once]', pad).value = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')
    if (pad) ready()
  }
  if (entry) {
    typed = entry.value.replace(/\D/g, '').replace(/^0+/, '').slice(0, Number(pad.dataset.most))
    find('.keys', pad).hidden = false
    entry.readOnly = true
    entry.inputMode = 'none'
    entry.tabIndex = -1
    show()
    // A key that was clicked has no focus, so that Enter charges and does not press it again.
    find('.keys', pad).addEventListener('mousedown', (e) => e.preventDefault())
    pad.addEventListener('click', (e) => { const key = e.target.closest('[data-key]'); if (key) press(key.dataset.key) })
    document.addEventListener('keydown', (e) => {
      if (e.ctrlKey || e.metaKey || e.altKey || e.target.id === 'note') return
      if (/^[0-9]$/.test(e.key)) press(e.key)
      else if (e.key === 'Backspace') press('erase')
      else if (e.key === 'Escape') press('clear')
      else if (e.key === 'Enter' && !e.target.closest('a, summary, [data-key]')) { if (!charge.disabled) pad.requestSubmit(charge) } else return
      e.preventDefault()
    })
  }
  if (pad) {
    pad.addEventListener('submit', (e) => {
      if (off || charge.disabled) { e.preventDefault(); return }
      setTimeout(() => { charge.disabled = true })
    })
    if (!find('[aria-invalid]', pad)) fresh()
    addEventListener('pageshow', (e) => { if (e.persisted) { typed = ''; if (entry) show(); fresh(); probe() } })
  }

  // Paid: heard, seen, and then the next one.
  if (!live) return
  // A browser lets a page be heard once somebody has touched it, or the page before. Some want it made at the touch.
  const Made = window.AudioContext || window.webkitAudioContext
  let audio
  const wake = () => { if (Made) { audio ||= new Made(); if (audio.state !== 'running') return audio.resume().catch(() => {}) } }
  for (const touch of ['pointerdown', 'keydown']) addEventListener(touch, wake)
  async function sound() {
    const due = Date.now()
    await wake()
    if (!audio || audio.state !== 'running' || Date.now() - due > 2e3) return // nobody had touched the till
    for (const [at, pitch] of [[0, 660], [0.16, 990]]) {
      const tone = audio.createOscillator(), gain = audio.createGain(), start = audio.currentTime + at
      tone.frequency.value = pitch
      gain.gain.setValueAtTime(0.0001, start)
      gain.gain.exponentialRampToValueAtTime(0.3, start + 0.02)
      gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.28)
      tone.connect(gain).connect(audio.destination)
      tone.start(start)
      tone.stop(start + 0.3)
    }
  }
  const paid = () => live.classList.contains('is-paid')
  let was = paid(), left = 15, timer
  function count() {
    const line = find('#soon', live), stay = find('#stay', live)
    if (!line || !stay) return
    line.hidden = stay.hidden = false
    line.textContent = line.dataset.text.replace('{n}', left)
    if (left-- > 0) timer = setTimeout(count, 1000)
    else location.assign(home)
  }
  function look() {
    if (paid() && !timer) {
      timer = true
      if (!was) sound()
      count()
    }
    was = paid()
  }
  live.addEventListener('click', (e) => { // who shows the receipt's code stays, too
    if (!timer || !e.target.closest('#stay, #own')) return
    clearTimeout(timer)
    timer = true
    find('#soon', live).hidden = find('#stay', live).hidden = true
  })
  new MutationObserver(look).observe(live, { attributes: true, attributeFilter: ['class'] })
  look()
})()
