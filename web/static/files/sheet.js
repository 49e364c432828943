// A receipt: the reader's own time beside UTC, and a button that prints.
(() => {
  'use strict'
  for (const time of document.querySelectorAll('time')) {
    const at = new Date(time.dateTime)
    time.after(' (' + at.toLocaleString(document.documentElement.lang + '-u-ca-gregory-nu-latn', { dateStyle: 'medium', timeStyle: 'short' }) + ')')
  }
  const print = document.querySelector('[data-print]')
  print.hidden = false
  print.addEventListener('click', () => window.print())
})()
