// Keeps the keypad of a till for when there is no connection: the page of its token and the files it is drawn with. Sales, histories,
// payments and answers to forms are never kept. SHELL and NAME stand before this text.
const PATIENCE = 5e3 // a connection that does not answer is none
const keypad = /^\/t\/[0-9A-Z]{26}$/, dress = /\/m\/[0-9A-Z]{26}\/[^/"]+/g // a merchant's colours and picture
const path = (url) => new URL(url).pathname
addEventListener('install', (e) => e.waitUntil(caches.open(NAME).then((kept) => kept.addAll(SHELL)).then(() => skipWaiting())))
addEventListener('activate', (e) => e.waitUntil(begin()))
addEventListener('fetch', (e) => {
  const { request } = e, { origin, pathname } = new URL(request.url)
  if (request.method !== 'GET' || origin !== location.origin) return
  if (SHELL.includes(pathname) || pathname.match(dress)?.[0] === pathname) e.respondWith(caches.match(pathname).then((kept) => kept || fetch(request)))
  else if (request.mode === 'navigate' && keypad.test(pathname)) e.respondWith(page(e, request, pathname))
})
// What an older one kept goes. Keypads that are open came before this one: they are kept now.
async function begin() {
  for (const name of await caches.keys()) if (name !== NAME) await caches.delete(name)
  await clients.claim()
  for (const { url } of await clients.matchAll()) if (keypad.test(path(url))) await fetch(path(url)).then((res) => keep(path(url), res)).catch(() => {})
}
// keep keeps a keypad and what it wears; one that was switched off is forgotten.
async function keep(pathname, res) {
  const kept = await caches.open(NAME)
  if (res.status === 403 || res.status === 404) await kept.delete(pathname)
  if (!res.ok || res.redirected) return
  await kept.put(pathname, res.clone())
  for (const file of (await res.text()).match(dress) || []) if (!(await kept.match(file))) await kept.add(file)
}
// page is the newest keypad there is.
async function page(e, request, pathname) {
  const old = await caches.match(pathname), stop = new AbortController(), timeout = old && setTimeout(() => stop.abort(), PATIENCE)
  try {
    const res = await fetch(request, { signal: stop.signal })
    clearTimeout(timeout)
    e.waitUntil(keep(pathname, res.clone()))
    return res
  } catch (trouble) {
    if (old) return old
    throw trouble
  }
}
