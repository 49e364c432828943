// What a payment link's page can do besides: pass its address on. The poster's can print.
(() => {
  'use strict'
  const find = (id) => document.getElementById(id), share = find('share'), copy = find('copy'), print = find('print')
  if (share && navigator.share) {
    share.hidden = false
    share.addEventListener('click', () => navigator.share({ title: share.dataset.title, url: share.dataset.url }).catch(() => {}))
  }
  if (copy && navigator.clipboard) {
    const label = copy.querySelector('span'), said = label.textContent
    copy.hidden = false
    copy.addEventListener('click', async () => {
      try { await navigator.clipboard.writeText(copy.dataset.url) } catch { return }
      label.textContent = find('said').textContent = copy.dataset.done
      setTimeout(() => { label.textContent = said }, 2500)
    })
  }
  if (print) {
    print.hidden = false
    print.addEventListener('click', () => window.print())
  }
})()
