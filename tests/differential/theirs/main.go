// Generated values, read by us (ours.c, over a pipe) and by Kubernetes' own code; every difference
// is printed with its question.
//
//	differ OURS POLICIES OBJECTS N SEED [KIND...]
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// A question for ours, how many values it compares, and what is wrong with an answer ("": nothing).
type question struct {
	ask    any
	values int
	wrong  func(answer []byte) string
}

type kind struct {
	name string
	next func(r *rand.Rand) question
	// How much of it was of use: a check that refuses everything shows nothing.
	shares func() string
}

const shownDifferences = 10

// run asks until n values were compared; returns the number of differences.
func run(ours, policies string, k kind, n int, seed int64) (int, error) {
	command := exec.Command(ours, strings.Split(policies, ":")...)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return 0, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := command.Start(); err != nil {
		return 0, err
	}
	// What was asked and is not answered yet; more than ours keeps in its output's buffer.
	pending := make(chan question, 8192)
	go send(in, k, n, seed, pending)
	differences, compared, err := compare(out, pending)
	if err == nil {
		err = command.Wait()
	} else {
		_ = command.Process.Kill()
	}
	began := ""
	if k.shares != nil {
		began = "  (" + k.shares() + ")"
	}
	fmt.Printf("  %-10s %9d values, %d differences%s\n", k.name, compared, differences, began)
	return differences, err
}

func send(in io.WriteCloser, k kind, n int, seed int64, pending chan<- question) {
	defer close(pending)
	defer in.Close()
	r := rand.New(rand.NewSource(seed))
	writer := bufio.NewWriter(in)
	defer writer.Flush()
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	for values := 0; values < n; {
		q := k.next(r)
		values += q.values
		pending <- q
		if encoder.Encode(q.ask) != nil {
			return // ours has ended, and that is told where its answers are read
		}
	}
}

func compare(out io.Reader, pending <-chan question) (int, int, error) {
	differences, compared := 0, 0
	reader := bufio.NewReaderSize(out, 1<<20)
	for q := range pending {
		answer, err := reader.ReadBytes('\n')
		if err != nil {
			text, _ := json.Marshal(q.ask)
			return differences, compared, fmt.Errorf("no answer to %s: %w", text, err)
		}
		compared += q.values
		if wrong := q.wrong(answer); wrong != "" {
			differences++
			if differences <= shownDifferences {
				text, _ := json.Marshal(q.ask)
				fmt.Printf("DIFFERENT %s\n  ours %s  %s\n", text, answer, wrong)
			}
		}
	}
	return differences, compared, nil
}

func main() {
	if len(os.Args) < 6 {
		fmt.Fprintln(os.Stderr, "usage: differ OURS POLICIES OBJECTS N SEED [KIND...]")
		os.Exit(2)
	}
	debug.SetGCPercent(800) // there is little that lives, and much that does not
	n, _ := strconv.Atoi(os.Args[4])
	seed, _ := strconv.ParseInt(os.Args[5], 10, 64)
	if seed == 0 {
		seed = time.Now().Unix()
	}
	objects := loadObjects(os.Args[3])
	kinds := []kind{quantities(), percents(), images(), selectors(), patches(objects), applications(),
		defaults(objects)}
	fmt.Printf("N=%d SEED=%d\n", n, seed)
	passed, failed := 0, 0
	for _, k := range kinds {
		if len(os.Args) > 6 && !contains(os.Args[6:], k.name) {
			continue
		}
		differences, err := run(os.Args[1], os.Args[2], k, n, seed)
		if err != nil {
			fmt.Println("FAILED", err)
		}
		if err != nil || differences > 0 {
			failed++
		} else {
			passed++
		}
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 || passed == 0 {
		os.Exit(1)
	}
}

func contains(list []string, wanted string) bool {
	for _, one := range list {
		if one == wanted {
			return true
		}
	}
	return false
}
