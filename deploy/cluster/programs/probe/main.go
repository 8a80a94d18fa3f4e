// Command probe is the only program of the image that the checks of the cluster run. It needs no other file.
//
//	probe sleep                   until SIGTERM
//	probe listen ADDRESS          sends its host name to each connection, until SIGTERM
//	probe connect ADDRESS TIME    prints what a server sends; tries again until TIME is over
//	probe resolve NAME TIME       prints the addresses of a name, one a line; tries again until TIME is over
//	probe read FILE               prints a file
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// attemptTimeout bounds one attempt: a packet that a NetworkPolicy drops gets no reply.
	attemptTimeout = 2 * time.Second
	// attemptPause is the pause between two attempts.
	attemptPause = 200 * time.Millisecond
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	command := strings.Join(arguments[:min(1, len(arguments))], "")
	switch {
	case command == "sleep" && len(arguments) == 1:
		<-ctx.Done()
		return nil
	case command == "listen" && len(arguments) == 2:
		return listen(ctx, arguments[1])
	case command == "connect" && len(arguments) == 3:
		return printWithin(ctx, arguments[2], func(ctx context.Context) (string, error) { return connect(ctx, arguments[1]) })
	case command == "resolve" && len(arguments) == 3:
		return printWithin(ctx, arguments[2], func(ctx context.Context) (string, error) { return resolve(ctx, arguments[1]) })
	case command == "read" && len(arguments) == 2:
		text, err := os.ReadFile(arguments[1])
		fmt.Print(string(text))
		return err
	}
	return errors.New("usage: probe sleep | listen ADDRESS | connect ADDRESS TIME | resolve NAME TIME | read FILE")
}

// printWithin prints the result of the first attempt that succeeds, or returns the error of the last one.
func printWithin(ctx context.Context, limit string, attempt func(context.Context) (string, error)) error {
	duration, err := time.ParseDuration(limit)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	for {
		attemptCtx, cancelAttempt := context.WithTimeout(ctx, attemptTimeout)
		text, err := attempt(attemptCtx)
		cancelAttempt()
		if err == nil {
			fmt.Println(text)
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(attemptPause):
		}
	}
}

func connect(ctx context.Context, address string) (string, error) {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := connection.SetDeadline(deadline); err != nil {
			return "", err
		}
	}
	text, err := io.ReadAll(connection)
	return string(text), err
}

func resolve(ctx context.Context, name string) (string, error) {
	addresses, err := net.DefaultResolver.LookupHost(ctx, name)
	slices.Sort(addresses)
	return strings.Join(addresses, "\n"), err
}

func listen(ctx context.Context, address string) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	for {
		connection, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := answer(connection, name); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
		}
	}
}

func answer(connection net.Conn, name string) error {
	err := connection.SetDeadline(time.Now().Add(attemptTimeout))
	if err == nil {
		_, err = io.WriteString(connection, name)
	}
	return errors.Join(err, connection.Close())
}
