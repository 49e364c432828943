// Keeps the keypad of a till for when there is no connection: the page of its token and the files it is drawn with. Sales, histories,
// payments and answers to forms are never kept. SHELL and NAME stand before this text.
addEventListener('install', (e) => e.waitUntil(caches.open(NAME).then((kept) => kept.addAll(SHELL)).then(() => skipWaiting())))
addEventListener('activate', (e) => e.waitUntil(caches.keys()
  .then((names) => Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name))))
  .then(() => clients.claim())))
const keypad = /^\/t\/[0-9A-Z]{26}$/
addEventListener('fetch', (e) => {
  const { request } = e, { origin, pathname } = new URL(request.url)
  if (request.method !== 'GET' || origin !== location.origin) return
  if (SHELL.includes(pathname)) e.respondWith(caches.match(pathname).then((kept) => kept || fetch(request)))
  else if (request.mode === 'navigate' && keypad.test(pathname)) e.respondWith(page(request, pathname))
})
// The newest keypad there is; one that was switched off is forgotten.
async function page(request, pathname) {
  const kept = await caches.open(NAME)
  try {
    const res = await fetch(request)
    if (res.ok && !res.redirected) kept.put(pathname, res.clone())
    else if (res.status === 403 || res.status === 404) kept.delete(pathname)
    return res
  } catch (trouble) {
    const old = await kept.match(pathname)
    if (old) return old
    throw trouble
  }
}
