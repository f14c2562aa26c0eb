// A Go relay after the seed's design, without its UDP hop and its Redis: the price of relaying.
//
// A node per connection with a DataQueue of 50, one goroutine that sends, one that reads, a map
// from user to node under a lock. Like the seed it decodes the message to find the receiver and
// forwards the bytes it read. Nothing is stored and nothing acknowledged.
//
//	relay PORT
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"

	"github.com/gorilla/websocket"
)

// Message is what the benchmark sends: From is believed, as the seed believes userId.
type Message struct {
	To      int64  `json:"to"`
	From    int64  `json:"from"`
	Ref     string `json:"ref"`
	Content string `json:"content"`
}

// Node is one connection: only its sending goroutine writes to Conn.
type Node struct {
	Conn      *websocket.Conn
	Addr      string
	DataQueue chan []byte
}

var (
	lock     sync.RWMutex
	nodes    = make(map[int64]*Node)
	upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
)

func chat(w http.ResponseWriter, r *http.Request) {
	user, err := strconv.ParseInt(r.URL.Query().Get("user"), 10, 64)
	if err != nil {
		http.Error(w, "user", http.StatusBadRequest)
		return
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	node := &Node{Conn: conn, Addr: conn.RemoteAddr().String(), DataQueue: make(chan []byte, 50)}
	lock.Lock()
	nodes[user] = node
	lock.Unlock()
	node.DataQueue <- []byte(fmt.Sprintf(`{"hello":%d}`, user))
	done := make(chan struct{})
	go send(node, done)
	go receive(user, node, done)
}

func send(node *Node, done chan struct{}) {
	for {
		select {
		case data := <-node.DataQueue:
			if err := node.Conn.WriteMessage(websocket.TextMessage, data); err != nil {
				return
			}
		case <-done:
			return
		}
	}
}

func receive(user int64, node *Node, done chan struct{}) {
	defer leave(user, node, done)
	for {
		_, data, err := node.Conn.ReadMessage()
		if err != nil {
			return
		}
		dispatch(user, data)
	}
}

func dispatch(user int64, data []byte) {
	message := Message{}
	if err := json.Unmarshal(data, &message); err != nil {
		return
	}
	for _, node := range receivers(user, message.To) {
		node.DataQueue <- data
	}
}

// receivers: one user's node; 0 is everybody else. The lock is let go before a queue can block.
func receivers(user, to int64) []*Node {
	lock.RLock()
	defer lock.RUnlock()
	if to != 0 {
		if node, ok := nodes[to]; ok {
			return []*Node{node}
		}
		return nil
	}
	found := make([]*Node, 0, len(nodes))
	for other, node := range nodes {
		if other != user {
			found = append(found, node)
		}
	}
	return found
}

func leave(user int64, node *Node, done chan struct{}) {
	lock.Lock()
	if nodes[user] == node {
		delete(nodes, user)
	}
	lock.Unlock()
	close(done)
	node.Conn.Close()
}

func main() {
	http.HandleFunc("/ws", chat)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
