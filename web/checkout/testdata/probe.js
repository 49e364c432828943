// What a test asks of a page it has open. Every answer is a list of what is wrong.
window.probe = (() => {
  const all = (what) => [...document.querySelectorAll(what)]
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0 && !e.closest('.sr, .skip')
  const name = (e) => e.outerHTML.slice(0, 160)
  // A link in a sentence is as high as its line (WCAG 2.5.8, "inline").
  const inline = (e) => getComputedStyle(e).display === 'inline' && [...e.parentElement.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
  return {
    targets() {
      const small = []
      for (const e of all('a[href], button, summary, input:not([type=radio]), label.method')) {
        if (!seen(e) || inline(e)) continue
        const { width, height } = e.getBoundingClientRect()
        const main = e.matches('button, summary, .btn, .link, .input, .method, .foot a') ? 44 : 24
        if (width < 24 || height < main - 0.01) small.push(`${width}×${height} ${name(e)}`)
      }
      return small
    },
    // Nothing is wider than the window, and nothing that is cut off at its edge has more to show.
    fit() {
      const out = []
      const wide = document.documentElement.scrollWidth
      if (wide > innerWidth) out.push(`${wide} px wide on a screen of ${innerWidth}`)
      for (const e of all('body *:not(.sr, script, noscript, .sr *)')) {
        const { overflowX, overflowY } = getComputedStyle(e)
        if (!seen(e) || e.clientWidth < 2 || e.matches('input, svg, svg *')) continue
        if (overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1 && e.scrollWidth - e.clientWidth > 1) out.push('cut off at the side: ' + name(e))
        if (overflowY === 'hidden' && e.scrollHeight > e.clientHeight + 1) out.push('cut off below: ' + name(e))
      }
      return out
    },
    // A picture says what it is, or is out of the way of who hears the page.
    pictures() {
      return all('svg, img, canvas').filter((e) => {
        if (e.closest('[aria-hidden=true]')) return false
        if (e.matches('img')) return !e.hasAttribute('alt')
        return !(e.getAttribute('role') === 'img' && e.getAttribute('aria-label'))
      }).map(name)
    },
    moving() { return document.getAnimations().filter((a) => a.playState === 'running').map((a) => a.animationName + ' ' + name(a.effect.target)) },
    leaks() {
      return all('a[href]').filter((a) => !a.href.startsWith(location.origin) && /^(https?|mailto):/.test(a.href) && !/\bnoreferrer\b/.test(a.rel)).map(name)
    },
    headings() { return all('h1').filter((e) => e.checkVisibility()).map((e) => e.innerText) },
    support() { return all('[data-testid=support]').filter(seen).map((a) => a.href) },
  }
})()
