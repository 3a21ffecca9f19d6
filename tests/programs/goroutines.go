// SPDX-License-Identifier: Apache-2.0
// Go without a network: goroutines, garbage, signals, preemption, processes, files, time.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
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

func goroutines() {
	var wait sync.WaitGroup
	var mutex sync.Mutex
	total := 0
	for i := 0; i < 500; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for j := 0; j < 50; j++ {
				piece := make([]byte, 1000)
				runtime.Gosched()
				mutex.Lock()
				total += len(piece)
				mutex.Unlock()
			}
		}()
	}
	wait.Wait()
	first := make(chan int)
	in := first
	for i := 0; i < 1000; i++ {
		out := make(chan int)
		go func(in, out chan int) { out <- 1 + <-in }(in, out)
		in = out
	}
	first <- 0
	fmt.Println("goroutines", total, <-in)
}

// A loop without calls is interrupted by a signal, or the collector would wait for ever.
func preemption() {
	runtime.GOMAXPROCS(1)
	var stop int32
	var turns int64
	go func() {
		for atomic.LoadInt32(&stop) == 0 {
			turns++
		}
	}()
	for i := 0; i < 2; i++ {
		time.Sleep(time.Millisecond)
		runtime.GC()
	}
	atomic.StoreInt32(&stop, 1)
	runtime.GOMAXPROCS(runtime.NumCPU())
	fmt.Println("preemption")
}

func signals() {
	channel := make(chan os.Signal, 16)
	signal.Notify(channel, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH)
	for _, number := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH} {
		check(syscall.Kill(os.Getpid(), number))
		fmt.Println("signal", <-channel)
	}
	signal.Stop(channel)
	context, stop := signal.NotifyContext(context.Background(), syscall.SIGHUP)
	check(syscall.Kill(os.Getpid(), syscall.SIGHUP))
	<-context.Done()
	stop()
	fmt.Println("context", context.Err())
	defer func() { fmt.Println("recovered:", recover()) }()
	var nothing *int
	fmt.Println(*nothing)
}

func mapped() {
	debug.SetPanicOnFault(true)
	page, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	check(err)
	page[0] = 1
	check(syscall.Mprotect(page, syscall.PROT_READ))
	defer func() { fmt.Println("recovered:", recover() != nil) }()
	page[0] = 2
	fmt.Println("unreachable")
}

func processes() {
	output, err := exec.Command("sh", "-c", "echo hi; exit 3").Output()
	fmt.Printf("%q %v\n", output, err)
	var wait sync.WaitGroup
	var bytes int64
	for i := 0; i < 30; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			output, err := exec.Command("seq", "1000").Output()
			check(err)
			atomic.AddInt64(&bytes, int64(len(output)))
		}()
	}
	wait.Wait()
	fmt.Println("seq", bytes)
	limit, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	fmt.Println("sleep:", exec.CommandContext(limit, "sleep", "100").Run())
	command := exec.Command("cat")
	in, err := command.StdinPipe()
	check(err)
	out, err := command.StdoutPipe()
	check(err)
	check(command.Start())
	go func() {
		for i := 0; i < 1000; i++ {
			fmt.Fprintln(in, "line", i)
		}
		in.Close()
	}()
	lines := 0
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		lines++
	}
	check(command.Wait())
	fmt.Println("cat", lines)
	_, err = exec.Command("/nowhere/at/all").Output()
	fmt.Println(err, errors.Is(err, os.ErrNotExist))
}

func files() {
	directory, err := os.MkdirTemp("/srv", "go")
	check(err)
	sum := sha256.New()
	for i := 0; i < 100; i++ {
		check(os.WriteFile(filepath.Join(directory, fmt.Sprint("f", i)), []byte(fmt.Sprint(i)), 0o640))
	}
	check(filepath.Walk(directory, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			file, err := os.Open(path)
			check(err)
			defer file.Close()
			_, err = io.Copy(sum, file)
			check(err)
			fmt.Fprint(sum, info.Mode())
		}
		return err
	}))
	fmt.Printf("%x\n", sum.Sum(nil))
	check(os.RemoveAll(directory))
	// Pipes are waited for with epoll, with a deadline.
	reader, writer, err := os.Pipe()
	check(err)
	check(reader.SetReadDeadline(time.Now().Add(20 * time.Millisecond)))
	_, err = reader.Read(make([]byte, 1))
	fmt.Println("deadline", errors.Is(err, os.ErrDeadlineExceeded))
	writer.Close()
}

func times() {
	begin := time.Now()
	ticker := time.NewTicker(5 * time.Millisecond)
	for i := 0; i < 10; i++ {
		<-ticker.C
	}
	fmt.Println("ticks", time.Since(begin) >= 50*time.Millisecond)
	var timers sync.WaitGroup
	for i := 0; i < 1000; i++ {
		timers.Add(1)
		time.AfterFunc(time.Duration(i%20)*time.Millisecond, timers.Done)
	}
	timers.Wait()
	fmt.Println("timers")
}

func main() {
	goroutines()
	preemption()
	signals()
	mapped()
	processes()
	files()
	times()
	if len(os.Args) > 1 {
		panic("on purpose")
	}
}
