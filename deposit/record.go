package deposit

import (
	"encoding/json"
	"fmt"

	"checkout/event"
	"checkout/ident"
)

// Record is a payment to a deposit address as it was at the moment of an event: all that a dialect reads to tell of it.
// Members are only ever added.
type Record struct {
	ID               ident.ID          `json:"id"`
	Number           int64             `json:"number"`
	Env              ident.Environment `json:"environment"`
	Origin           string            `json:"origin"`
	EndUserReference string            `json:"end_user_reference,omitempty"`
	Address          RecordAddress     `json:"address"`
	Asset            string            `json:"asset"`
	Amount           event.Money       `json:"amount"`
	Fee              *event.Money      `json:"fee,omitempty"` // taken by the operator; none while money goes to the merchant's own wallet
	TxNumber         int64             `json:"tx_number"`     // of the transfer; a deposit is one transfer and has the same number
	TxID             string            `json:"txid"`
	Ordinal          int64             `json:"ordinal"`
	Status           Status            `json:"status"`
	Standing         Standing          `json:"standing"`
	Crossed          bool              `json:"cross_currency,omitempty"`
	Again            bool              `json:"again,omitempty"` // it had been confirmed before, and the chain took that back
	Confirmations    int64             `json:"confirmations"`
	Need             int64             `json:"need"`
	Conflict         string            `json:"conflict,omitempty"` // the transaction that spends the same coins
	SeenAt           int64             `json:"seen_at"`            // milliseconds, like all instants here
	At               int64             `json:"at"`
}

// RecordAddress is the address paid to.
type RecordAddress struct {
	ID        ident.ID `json:"id"`
	Number    int64    `json:"number"`
	Asset     string   `json:"asset"`
	Network   string   `json:"network"`
	Currency  string   `json:"currency"`
	ConvertTo string   `json:"convert_to,omitempty"`
	Text      string   `json:"text"`
	Tag       string   `json:"tag,omitempty"`
	Group     string   `json:"group,omitempty"`
	Label     string   `json:"label"`
}

// record writes a payment down as it is now.
func (a *Address) record(id ident.ID, at Moment) Record {
	for _, p := range a.Payments {
		if p.ID != id {
			continue
		}
		return Record{
			ID: p.ID, Number: p.Number, Env: a.Env, Origin: a.Origin, EndUserReference: a.EndUserReference,
			Address: RecordAddress{
				ID: a.ID, Number: a.Number, Asset: a.Asset, Network: a.Network, Currency: a.Currency.Code, ConvertTo: a.ConvertTo,
				Text: a.Shown(), Tag: a.Tag, Group: a.Group, Label: a.Label,
			},
			Asset: p.Transfer.Asset, Amount: event.RecordMoney(p.Transfer.Amount), TxNumber: p.Number, TxID: p.Transfer.TxID, Ordinal: p.Transfer.Ordinal,
			Status: p.Status, Standing: p.Standing, Crossed: p.Crossed, Again: !p.RevertedAt.IsZero(), Confirmations: min(p.Depth, p.Need), Need: p.Need,
			Conflict: p.Conflict, SeenAt: p.FirstSeen.UnixMilli(), At: at.Now.UnixMilli(),
		}
	}
	return Record{}
}

// Encode is the record's stored form.
func (r Record) Encode() ([]byte, error) { return json.Marshal(r) }

// DecodeRecord reads it again.
func DecodeRecord(data []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("deposit record: %w", err)
	}
	return r, nil
}
