package main

import (
	"encoding/json"
	"net/http"
	"os"

	"github.com/coder/websocket"
)

// socket does over a WebSocket what its messages ask for.
func socket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	for {
		_, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		var asked order
		_ = json.Unmarshal(message, &asked)
		switch asked.Do {
		case "exit":
			os.Exit(7) //nolint:gocritic // as abruptly as can be
		case "close":
			_ = conn.Close(websocket.StatusCode(asked.N), "")
			return
		case "drop":
			return
		case "answer":
			_ = conn.Write(r.Context(), websocket.MessageBinary, make([]byte, asked.N))
		}
	}
}
