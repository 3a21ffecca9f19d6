// SPDX-License-Identifier: Apache-2.0
// Go over TCP: net/http with many clients, deadlines, a graceful end; raw connections, datagrams, names.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func web() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	url := "http://" + listener.Addr().String()
	var served int64
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		atomic.AddInt64(&served, 1)
		io.Copy(w, r.Body)
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/lasting", func(w http.ResponseWriter, r *http.Request) { time.Sleep(200 * time.Millisecond); fmt.Fprint(w, "done") })
	server := &http.Server{Handler: mux}
	ended := make(chan error)
	go func() { ended <- server.Serve(listener) }()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 50, MaxConnsPerHost: 50}}
	var wait sync.WaitGroup
	var total int64
	for i := 0; i < 100; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			for j := 0; j < 10; j++ {
				answer, err := client.Post(url+"/echo", "text/plain", bytes.NewReader(make([]byte, i*100)))
				check(err)
				n, err := io.Copy(io.Discard, answer.Body)
				check(err)
				answer.Body.Close()
				atomic.AddInt64(&total, n)
			}
		}(i)
	}
	wait.Wait()
	fmt.Println("served", served, total)
	limit, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	request, err := http.NewRequestWithContext(limit, "GET", url+"/slow", nil)
	check(err)
	_, err = client.Do(request)
	fmt.Println("slow", errors.Is(err, context.DeadlineExceeded))
	cancel()
	lasting := make(chan string)
	go func() {
		answer, err := client.Get(url + "/lasting")
		check(err)
		text, err := io.ReadAll(answer.Body)
		check(err)
		lasting <- string(text)
	}()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	time.Sleep(50 * time.Millisecond)
	check(syscall.Kill(os.Getpid(), syscall.SIGTERM))
	<-signals
	check(server.Shutdown(context.Background()))
	fmt.Println(<-lasting, <-ended)
	_, err = client.Get(url + "/echo")
	fmt.Println("refused", errors.Is(err, syscall.ECONNREFUSED))
}

func connections() {
	listener, err := net.Listen("tcp", "[::1]:0")
	check(err)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(connection, connection)
				connection.Close()
			}()
		}
	}()
	var wait sync.WaitGroup
	var sum int64
	for i := 0; i < 200; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			connection, err := net.Dial("tcp", listener.Addr().String())
			check(err)
			go func() {
				connection.Write(make([]byte, 100000))
				connection.(*net.TCPConn).CloseWrite()
			}()
			n, err := io.Copy(io.Discard, connection)
			check(err)
			atomic.AddInt64(&sum, n)
			connection.Close()
		}()
	}
	wait.Wait()
	fmt.Println("echoed", sum)
	connection, err := net.Dial("tcp", listener.Addr().String())
	check(err)
	check(connection.SetReadDeadline(time.Now().Add(20 * time.Millisecond)))
	_, err = connection.Read(make([]byte, 1))
	fmt.Println("deadline", errors.Is(err, os.ErrDeadlineExceeded))
	check(connection.Close())
	check(listener.Close())
}

func main() {
	web()
	connections()
	one, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(err)
	two, err := net.Dial("udp", one.LocalAddr().String())
	check(err)
	fmt.Fprint(two, "datagram")
	buffer := make([]byte, 100)
	n, _, err := one.ReadFrom(buffer)
	check(err)
	fmt.Println(string(buffer[:n]))
	addresses, err := net.LookupHost("localhost")
	fmt.Println(addresses, err)
	interfaces, err := net.Interfaces()
	check(err)
	for _, each := range interfaces {
		found, err := each.Addrs()
		check(err)
		if each.Flags&net.FlagLoopback != 0 {
			fmt.Println(each.Name, each.MTU, found)
		}
	}
}
