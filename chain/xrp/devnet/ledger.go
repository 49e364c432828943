// Package devnet plays an XRP Ledger of one server, for tests: rippled's JSON-RPC as its public documentation has it, over ledgers
// that are made up. No server of the real software can be had everywhere; this one knows what payers do, not what consensus does.
package devnet

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"checkout/chain"
)

// rippleEpoch is the second the ledger counts time from: 2000-01-01.
const rippleEpoch = 946_684_800

// Payment is what a payer sends.
type Payment struct {
	To        string  // classic address
	Tag       *uint32 // nil: none
	Drops     int64   // what the payment is to deliver (Amount)
	Delivered int64   // what it delivers, if that is less: a partial payment
	Issued    bool    // of an issued currency called XRP's equal, and not XRP
	Failed    bool    // it claims a fee and delivers nothing
	Check     bool    // it cashes a check: no Payment at all
}

type object = map[string]any

type ledger struct {
	index        int64
	hash, parent string
	closed       int64
	txs          []object
}

// Server is the played server. It is safe for concurrent use.
type Server struct {
	server *http.Server
	url    string

	mu      sync.Mutex
	id      string
	ledgers []ledger // all validated; the first has the index firstIndex
	waiting []object
	count   int
	instead func(method string) (status int, text string, ok bool)
	edit    func(method, text string) string
}

// firstIndex is where the played ledger begins: servers of the real one have no old ledgers, either.
const firstIndex = 1000

// Start serves on a free port of this machine, until Stop. There are a few ledgers.
func Start(ctx context.Context) (*Server, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	network, _ := chain.XRPDevnet()
	s := &Server{url: "http://" + l.Addr().String(), id: network.Params}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	s.Close(120)
	go func() { _ = s.server.Serve(l) }() // Stop ends it
	return s, nil
}

// Stop ends it.
func (s *Server) Stop() error { return s.server.Close() }

// URL is where it listens.
func (s *Server) URL() string { return s.url }

// Pay sends a payment; it is validated with the next ledger. It names the transaction.
func (s *Server) Pay(p Payment) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	hash := hashOf("tx", s.count)
	tx := object{
		"hash": hash, "TransactionType": "Payment", "Account": chain.XRPAddress([20]byte{9}), "Sequence": s.count, "Fee": "12", "Flags": 0,
		"Destination": p.To, "Amount": strconv.FormatInt(p.Drops, 10), "SigningPubKey": "", "TxnSignature": "",
	}
	if p.Tag != nil {
		tx["DestinationTag"] = *p.Tag
	}
	meta := object{"TransactionResult": "tesSUCCESS", "TransactionIndex": len(s.waiting), "AffectedNodes": []object{}, "delivered_amount": tx["Amount"]}
	switch {
	case p.Failed:
		meta["TransactionResult"] = "tecPATH_PARTIAL"
		delete(meta, "delivered_amount")
	case p.Issued:
		issued := object{"currency": "XRQ", "issuer": chain.XRPAddress([20]byte{8}), "value": strconv.FormatInt(p.Drops, 10)}
		tx["Amount"], meta["delivered_amount"] = issued, issued
	case p.Delivered > 0:
		tx["Flags"] = 131072 // tfPartialPayment
		meta["DeliveredAmount"], meta["delivered_amount"] = strconv.FormatInt(p.Delivered, 10), strconv.FormatInt(p.Delivered, 10)
	case p.Check:
		tx["TransactionType"] = "CheckCash"
	}
	tx["metaData"] = meta
	s.waiting = append(s.waiting, tx)
	return hash
}

// Close closes ledgers; the first takes what waits.
func (s *Server) Close(count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range count {
		index := int64(firstIndex + len(s.ledgers))
		parent := hashOf("ledger", int(index-1))
		s.ledgers = append(s.ledgers, ledger{
			index: index, hash: hashOf("ledger", int(index)), parent: parent, closed: time.Now().Unix() - rippleEpoch, txs: s.waiting,
		})
		s.waiting = nil
	}
}

func hashOf(kind string, n int) string {
	return fmt.Sprintf("%X", sha256.Sum256([]byte(kind+strconv.Itoa(n))))
}

// Instead lets a function answer before the server does; nil: none does.
func (s *Server) Instead(f func(method string) (status int, text string, ok bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instead = f
}

// Edit lets a function change answers; nil: none does.
func (s *Server) Edit(f func(method, text string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edit = f
}

// ServeHTTP answers a call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ask struct {
		Method string `json:"method"`
		Params []struct {
			Index       json.RawMessage `json:"ledger_index"`
			Full        bool            `json:"transactions"`
			Transaction string          `json:"transaction"`
		} `json:"params"`
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err := json.Unmarshal(body, &ask); err != nil || len(ask.Params) != 1 {
		http.Error(w, "Unable to parse request", http.StatusBadRequest)
		return
	}
	if s.instead != nil {
		if status, text, ok := s.instead(ask.Method); ok {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
			return
		}
	}
	var result object
	switch ask.Method {
	case "server_info":
		id, _ := strconv.ParseUint(s.id, 10, 32)
		result = object{"info": object{"network_id": id, "server_state": "full", "complete_ledgers": fmt.Sprintf("%d-%d", firstIndex, firstIndex+len(s.ledgers)-1)}}
	case "ledger":
		result = s.ledger(strings.Trim(string(ask.Params[0].Index), `"`), ask.Params[0].Full)
	case "tx":
		result = s.tx(ask.Params[0].Transaction)
	default:
		result = failure("unknownCmd", 32)
	}
	if _, failed := result["error"]; !failed {
		result["status"] = "success"
	}
	text, err := json.Marshal(object{"result": result})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if s.edit != nil {
		text = []byte(s.edit(ask.Method, string(text)))
	}
	_, _ = w.Write(text)
}

func failure(name string, code int) object {
	return object{"error": name, "error_code": code, "error_message": name, "status": "error"}
}

func (s *Server) ledger(index string, full bool) object {
	at := len(s.ledgers) - 1
	if index != "validated" {
		n, err := strconv.Atoi(index)
		if err != nil {
			return failure("invalidParams", 31)
		}
		at = n - firstIndex
	}
	if at < 0 || at >= len(s.ledgers) {
		return failure("lgrNotFound", 21)
	}
	l := s.ledgers[at]
	inner := object{
		"ledger_index": strconv.FormatInt(l.index, 10), "ledger_hash": l.hash, "parent_hash": l.parent, "close_time": l.closed, "closed": true,
		"total_coins": "99990000000000000",
	}
	if full {
		txs := l.txs
		if txs == nil {
			txs = []object{}
		}
		inner["transactions"] = txs
	}
	return object{"ledger": inner, "ledger_hash": l.hash, "ledger_index": l.index, "validated": true}
}

func (s *Server) tx(hash string) object {
	for _, l := range s.ledgers {
		for _, tx := range l.txs {
			if tx["hash"] != hash {
				continue
			}
			out := object{"validated": true, "ledger_index": l.index, "meta": tx["metaData"]}
			for name, value := range tx {
				if name != "metaData" {
					out[name] = value
				}
			}
			return out
		}
	}
	return failure("txnNotFound", 29)
}
