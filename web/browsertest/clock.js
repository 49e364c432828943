// Time that passes only when a test says so. The page's requests tell the server what time it is.
((start, passed, skew) => {
  const real = { Date, fetch: fetch.bind(window), now: performance.now() }, timers = new Map()
  let next = 1, open = 0, most = 0
  const now = () => start + passed + skew
  window.Date = class extends real.Date {
    constructor(...a) { a.length ? super(...a) : super(now()) }
    static now() { return now() }
  }
  performance.now = () => real.now + passed
  window.setTimeout = (f, ms = 0, ...a) => { timers.set(next, { at: passed + Math.max(0, ms), run: () => f(...a) }); return next++ }
  window.clearTimeout = (id) => { timers.delete(id) }
  // The answer is whole before the page sees it: taking it in needs no more time.
  window.fetch = async (url, init = {}) => {
    most = Math.max(most, ++open)
    try {
      const res = await real.fetch(url, { ...init, headers: { ...init.headers, 'Test-Clock': String(Math.round(passed)) } })
      const body = await res.text()
      return { ok: res.ok, status: res.status, headers: res.headers, text: async () => body }
    } finally { open-- }
  }
  const round = () => new Promise((done) => { const c = new MessageChannel(); c.port1.onmessage = done; c.port2.postMessage(0) })
  const settle = async (wait) => { do for (let i = 0; i < 4; i++) await round(); while (open && wait) }
  window.__pass = async (ms, wait) => {
    const end = passed + ms
    await settle(wait)
    for (;;) {
      let due
      for (const [id, t] of timers) if (t.at <= end && (!due || t.at < due.at)) due = { id, ...t }
      if (!due) break
      timers.delete(due.id)
      passed = Math.max(passed, due.at)
      due.run()
      await settle(wait)
    }
    passed = end
    await settle(wait)
    return true
  }
  // How many requests were on their way at once.
  window.__most = () => most
  // A machine that slept: the time has passed, and nothing has happened in it.
  window.__sleep = (ms) => { passed += ms; return true }
})
