// Loader of embedded payment pages, version 1. It adds one name, PayEmbed, and stores nothing.
(() => {
  'use strict'
  const script = document.currentScript
  if (window.PayEmbed || !script) return
  const base = new URL(script.src).origin, frames = new Set()
  const style = new CSSStyleSheet()
  style.replaceSync(`dialog.pay-embed{padding:0;border:0;margin:auto;inline-size:min(30rem,100vw);block-size:min(46rem,100dvh);max-inline-size:none;max-block-size:none;border-radius:16px;overflow:hidden;background:#fff;box-shadow:0 16px 48px rgb(0 0 0/.28)}
dialog.pay-embed::backdrop{background:rgb(11 13 18/.56)}
dialog.pay-embed iframe{block-size:100%}
dialog.pay-embed>button{position:absolute;inset:8px 8px auto auto;inline-size:44px;block-size:44px;border:0;background:none;color:GrayText;font:24px system-ui}
iframe.pay-embed{display:block;border:0;inline-size:100%;min-block-size:35rem;color-scheme:normal}
@media (max-width:640px){dialog.pay-embed{inline-size:100vw;block-size:100dvh;border-radius:0}}
@media (prefers-color-scheme:dark){dialog.pay-embed{background:#13161d}}`)
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, style]

  // make makes the frame of an invoice; without an id it learns it from the page a form leads to. host is the element events are told at; close ends it.
  function make(id, host, options, close) {
    const channel = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('')
    const query = new URLSearchParams({ embed: '1', channel, origin: location.origin })
    for (const name of ['lang', 'theme']) if (options[name]) query.set(name, options[name])
    const frame = document.createElement('iframe')
    frame.className = 'pay-embed'
    frame.title = options.title || 'Payment'
    frame.allow = 'clipboard-write; payment'
    frame.name = 'pay-' + channel
    if (id) frame.src = `${base}/i/${encodeURIComponent(id)}?${query}`
    const entry = {
      id, frame, channel, query, host, options, close,
      send: (type, more) => frame.contentWindow && frame.contentWindow.postMessage({ v: 1, type: 'pay:' + type, id: entry.id, channel, ...more }, base),
    }
    for (const old of frames) if (old.inline && !old.frame.isConnected) frames.delete(old)
    frames.add(entry)
    return entry
  }
  const tell = (entry, name, detail) => entry.host.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }))

  addEventListener('message', (e) => {
    if (e.origin !== base || typeof e.data !== 'object' || !e.data || e.data.v !== 1) return
    const m = e.data
    for (const entry of frames) {
      if (e.source !== entry.frame.contentWindow || m.channel !== entry.channel) continue
      if (!entry.id && typeof m.id === 'string' && m.id.length < 40) entry.id = m.id
      if (m.id !== entry.id) continue
      if (entry.shut) entry.shut = entry.shut.remove() // the page has a button of its own
      if ((m.type === 'pay:resize' || m.type === 'pay:ready') && entry.inline && Number.isInteger(m.height) && m.height > 0 && m.height < 10000) {
        entry.frame.style.blockSize = Math.max(m.height, 320) + 'px'
        entry.frame.style.minBlockSize = '0'
      }
      if (m.type === 'pay:status' && typeof m.status === 'string' && m.status.length < 40) {
        tell(entry, 'pay:status', { status: m.status, final: m.final === true, rev: Number(m.rev) || 0 })
      }
      if (m.type === 'pay:close') entry.close(['paid', 'expired'].includes(m.reason) ? m.reason : 'user')
      if (m.type === 'pay:return' && entry.options.return) location.assign(entry.options.return)
    }
  })

  // show opens the dialog.
  function show(id, options, button) {
    const dialog = document.createElement('dialog')
    let reason = 'user'
    const entry = make(id, button || document.body, options, (why) => { reason = why; dialog.close() })
    dialog.className = 'pay-embed'
    dialog.setAttribute('aria-label', entry.frame.title)
    dialog.append(entry.frame)
    if (!id) { // a form may be refused, and what says so has no button to close with
      const shut = entry.shut = document.createElement('button')
      shut.textContent = '×'
      shut.setAttribute('aria-label', options.close || 'Close')
      shut.addEventListener('click', () => dialog.close())
      dialog.append(shut)
    }
    dialog.addEventListener('close', () => {
      frames.delete(entry)
      dialog.remove()
      if (button) button.focus()
      tell(entry, 'pay:close', { reason })
    })
    document.body.append(dialog)
    dialog.showModal()
    return entry
  }
  // open shows an invoice in a dialog. It takes an id, or a promise of one while the shop is still making the invoice.
  async function open(invoice, options = {}) {
    const button = options.button, label = button && button.textContent
    if (button) button.disabled = true
    try {
      if (button && typeof invoice !== 'string') button.textContent = options.preparing || 'Preparing payment…'
      return show(await invoice, options, button)
    } finally {
      if (button) { button.disabled = false; button.textContent = label }
    }
  }
  // inline puts an invoice into an element, as high as its content.
  function inline(id, element, options = {}) {
    const entry = make(id, element, options, (reason) => tell(entry, 'pay:close', { reason }))
    entry.inline = true
    element.replaceChildren(entry.frame)
    return entry
  }
  const optionsOf = (e) => ({ lang: e.dataset.payLang, theme: e.dataset.payTheme, title: e.dataset.payTitle, close: e.dataset.payClose, return: e.dataset.payReturn })
  function scan() {
    for (const e of document.querySelectorAll('[data-pay-inline]:empty')) inline(e.dataset.payInline, e, optionsOf(e))
  }
  document.addEventListener('click', (e) => {
    const button = e.target.closest && e.target.closest('[data-pay-invoice]')
    if (button) open(button.dataset.payInvoice, { ...optionsOf(button), button })
  })
  // The form of a product: its answer is shown in a dialog, and the form stays as it was.
  document.addEventListener('submit', (e) => {
    const form = e.target
    if (e.defaultPrevented || !form.matches('[data-pay-button]') || new URL(form.action).origin !== base) return
    const entry = show('', optionsOf(form), e.submitter), was = [form.action, form.target]
    form.action += (form.action.includes('?') ? '&' : '?') + entry.query
    form.target = entry.frame.name
    setTimeout(() => { [form.action, form.target] = was })
  })
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', scan)
  else scan()
  window.PayEmbed = Object.freeze({ version: 1, open, inline })
})()
