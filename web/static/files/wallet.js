// Pays from a wallet in the browser. The server makes the transaction; this finds wallets, asks for the payer's address and
// the right network, and hands it over. Nothing is ever approved or allowed to anybody: it is one plain transfer.
(() => {
  'use strict'
  const find = (what) => document.querySelector(what)
  const live = find('#live'), box = () => find('#injected')
  if (!live || !box()) return
  const wallets = new Map() // by id: { name, icon, pay }
  const most = 6
  let busy, sent // what has been sent, as the page asked for it

  // Wallets of the EVM family announce themselves (EIP-6963); one that does not has only put itself into the window.
  function announced({ detail }) {
    const { info, provider } = detail || {}
    if (!info || !provider || typeof provider.request !== 'function') return
    const id = '6963:' + info.uuid
    if (wallets.has(id)) return // the first keeps its button
    wallets.delete('window')
    if (wallets.size < most) add(id, info.name, info.icon, (tx, chain) => payEVM(provider, tx, chain))
  }
  function fallback() {
    const provider = window.ethereum
    if (!wallets.size && provider && typeof provider.request === 'function') add('window', '', '', (tx, chain) => payEVM(provider, tx, chain))
  }
  function tronWallet() {
    const provider = window.tron // TIP-1193
    if (provider && typeof provider.request === 'function') add('tron', provider.isTronLink ? 'TronLink' : '', '', (tx) => payTron(provider, tx))
  }
  function add(id, name, icon, pay) {
    const text = (said) => typeof said === 'string' ? said : ''
    wallets.set(id, { name: text(name).slice(0, 40), icon: text(icon), pay })
    show()
  }

  // What a wallet says of itself is text, and its picture only ever an image: SVG may carry script anywhere else.
  function show() {
    const at = box(), list = find('#injected-wallets')
    if (at && sent && sent !== at.dataset.tx) { sent = ''; say('') } // more is asked for
    const ids = sent ? '' : [...wallets.keys()].join()
    if (!at || !list || list.shown === ids) return
    list.shown = ids
    list.replaceChildren(...(sent ? [] : [...wallets].map(([id, wallet]) => button(at.dataset, id, wallet))))
  }
  function button(words, id, { name, icon }) {
    const it = document.createElement('button')
    it.type = 'button'
    it.className = 'btn btn-lg'
    it.dataset.testid = 'injected-wallet'
    if (icon.startsWith('data:image/')) {
      const picture = it.appendChild(new Image(24, 24))
      picture.alt = ''
      picture.src = icon
    }
    it.append(words.with.replace('{wallet}', () => name || words.browser))
    it.addEventListener('click', () => pay(id))
    return it
  }

  async function pay(id) {
    if (busy || sent) return
    busy = true
    const { tx, chain, hint, confirm, declined, trouble, changed, sent: done } = box().dataset
    say(confirm)
    try {
      const hash = await wallets.get(id).pay(JSON.parse(tx), chain && JSON.parse(chain))
      sent = box() ? box().dataset.tx : tx // a second payment must not be one click away
      say(done)
      const focused = document.activeElement, said = find('#injected-said')
      show()
      if (said && (focused === document.body || !focused.isConnected)) said.focus({ preventScroll: true })
      // Only a hint: the page believes what the network says.
      await fetch(hint, { method: 'POST', body: new URLSearchParams({ tx: hash }), credentials: 'omit' }).catch(() => {})
    } catch (e) {
      say(e === moved ? changed : refused(e) ? declined : trouble)
    } finally { busy = false }
  }
  const moved = {} // thrown where what is asked for has changed meanwhile
  const current = (tx) => { if (!box() || JSON.stringify(JSON.parse(box().dataset.tx)) !== JSON.stringify(tx)) throw moved }
  const refused = (e) => !!e && (e.code === 4001 || /user (rejected|denied|cancel)|declined by user/i.test(e.message || e))
  function say(text) { const at = find('#injected-said'); if (at) at.textContent = text }

  // The only call there is: transfer(address,uint256).
  const transfer = /^0xa9059cbb[0-9a-f]{128}$/
  async function payEVM(provider, tx, chain) {
    if (tx.data && !transfer.test(tx.data)) throw new Error('not a transfer')
    const ask = (method, ...params) => provider.request({ method, params })
    const [from] = await ask('eth_requestAccounts')
    await go(ask, tx.chainId, chain)
    current(tx)
    return ask('eth_sendTransaction', { from, ...tx })
  }
  // The wallet changes to the network, or learns it first. One that says it did and did not is not asked to pay.
  async function go(ask, chainId, chain) {
    const change = () => ask('wallet_switchEthereumChain', { chainId })
    try { await change() } catch (e) {
      const inner = e && e.data && e.data.originalError
      if (!chain || ((e && e.code) !== 4902 && (inner && inner.code) !== 4902)) throw e
      await ask('wallet_addEthereumChain', chain)
      await change()
    }
    const at = await ask('eth_chainId')
    if (Number(at) !== Number(chainId)) throw new Error('another network: ' + at)
  }

  // A wallet that cannot tell its network is known by its node. The hosts of test networks end like the real one's.
  async function mainnet(provider) {
    let at
    try { at = await provider.request({ method: 'eth_chainId' }) } catch { /* it is asked in another way */ }
    if (at ? Number(at) === 0x2b6653dc : /^https:\/\/api\.tron(grid|stack)\.io\/?$/.test(provider.tronWeb.fullNode.host)) return
    throw new Error('another network: ' + at)
  }
  // The wallet brings its own library; nothing is loaded from anywhere. What is broadcast is never tried again.
  async function payTron(provider, tx) {
    await provider.request({ method: 'eth_requestAccounts' })
    await mainnet(provider)
    const { transactionBuilder: build, trx, defaultAddress } = provider.tronWeb
    const from = defaultAddress.base58
    current(tx)
    const made = tx.contract
      ? (await build.triggerSmartContract(tx.contract, 'transfer(address,uint256)', { feeLimit: tx.feeLimit },
        [{ type: 'address', value: tx.to }, { type: 'uint256', value: tx.amount }], from)).transaction
      : await build.sendTrx(tx.to, Number(tx.amount), from)
    const signed = await trx.sign(made)
    current(tx) // signed is not sent: it is not too late
    const out = await trx.sendRawTransaction(signed)
    if (!out.result) throw new Error('not broadcast')
    return out.txid
  }

  if (box().dataset.family === 'tron') {
    tronWallet()
    if (!wallets.size) setTimeout(tronWallet, 1e3) // some put themselves in late
  } else {
    addEventListener('eip6963:announceProvider', announced)
    dispatchEvent(new Event('eip6963:requestProvider'))
    setTimeout(fallback, 300)
  }
  // The live part is redrawn under us.
  new MutationObserver(show).observe(live, { childList: true, subtree: true, attributeFilter: ['data-tx'] })
})()
