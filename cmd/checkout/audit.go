package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"checkout/audit"
	"checkout/fault"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Verify every hash chain and the invariants of the books."`
	Anchor auditAnchorCmd `cmd:"" help:"Print where every hash chain ends, to be kept elsewhere and verified against later."`
}

type auditAnchorCmd struct{}

// Run prints a JSON object a line, one for each chain.
func (auditAnchorCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		return a.db.Anchor(ctx, func(m audit.Mark) error { out.print(m); return nil })
	})
}

// readAnchor reads what Anchor printed.
func readAnchor(file string) ([]audit.Mark, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file) //nolint:gosec // the operator's own file
	if err != nil {
		return nil, setting("--anchor", "The anchor cannot be read.").Because(err)
	}
	defer f.Close()
	var marks []audit.Mark
	for d := json.NewDecoder(f); ; {
		var m audit.Mark
		switch err := d.Decode(&m); {
		case errors.Is(err, io.EOF):
			return marks, nil
		case err != nil || m.Stream == "" || m.Seq < 1 || m.Hash == "":
			return nil, setting("--anchor", "This is no anchor.").Because(err)
		}
		marks = append(marks, m)
	}
}

type auditVerifyCmd struct {
	Anchor string `help:"An earlier anchor: everything it names must still be there." placeholder:"FILE"`
}

// errBroken makes the exit code of a failed verification.
var errBroken = fault.New(fault.Conflict, "audit_broken", "The audit found problems.")

// Run verifies; it fails if there are problems.
func (c auditVerifyCmd) Run(ctx context.Context, s *Settings, out *console) error {
	marks, err := readAnchor(c.Anchor)
	if err != nil {
		return err
	}
	return with(ctx, s, out, func(a *app) error {
		r, err := a.db.Verify(ctx, marks...)
		if err != nil {
			return err
		}
		if r.Problems == nil {
			r.Problems = []string{}
		}
		text := fmt.Sprintf("%d rows in %d chains verified", r.Rows, r.Streams)
		if len(r.Problems) > 0 {
			text += "\n  " + strings.Join(r.Problems, "\n  ")
		} else {
			text += ", no problem."
		}
		out.say(r, "%s", text)
		if len(r.Problems) > 0 {
			return errBroken
		}
		return nil
	})
}
