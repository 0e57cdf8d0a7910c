// SPDX-License-Identifier: GPL-2.0-only

// Drive a guest through go-qemu, DigitalOcean's QMP client with the types of
// QEMU's schema.
//
// usage: qmp-drive SOCKET OUTPUT
//
// OUTPUT is what the guest prints, a line "up" each time it boots.
// Prints what was seen, one fact a line, for tests/nested/control.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/digitalocean/go-qemu/qmp"
	"github.com/digitalocean/go-qemu/qmp/raw"
)

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// run executes a command that go-qemu has no type for; result may be nil.
func run(mon qmp.Monitor, command string, result interface{}) {
	reply, err := mon.Run([]byte(command))
	check(err)
	if result != nil {
		check(json.Unmarshal(reply, result))
	}
}

// boots waits until the guest has booted n times.
func boots(n int) {
	for tries := 0; tries < 300; tries++ {
		text, err := os.ReadFile(os.Args[2])
		check(err)
		if bytes.Count(text, []byte("up\n")) >= n {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Println("no boot", n)
}

type stat struct {
	Name string `json:"name"`
}

// statistics compares what query-stats gives with what it announces.
func statistics(mon qmp.Monitor) {
	var schemas struct {
		Return []struct {
			Target string `json:"target"`
			Stats  []stat `json:"stats"`
		} `json:"return"`
	}
	run(mon, `{"execute": "query-stats-schemas"}`, &schemas)
	for _, schema := range schemas.Return {
		var values struct {
			Return []struct {
				Stats []stat `json:"stats"`
			} `json:"return"`
		}
		run(mon, fmt.Sprintf(`{"execute": "query-stats", "arguments":
			{"target": %q}}`, schema.Target), &values)
		same := len(schema.Stats) > 0
		for _, object := range values.Return {
			same = same && len(object.Stats) == len(schema.Stats)
			for i := 0; same && i < len(schema.Stats); i++ {
				same = object.Stats[i] == schema.Stats[i]
			}
		}
		fmt.Println("stats", schema.Target, len(values.Return), same)
	}
}

func main() {
	mon, err := qmp.NewSocketMonitor("unix", os.Args[1], 5*time.Second)
	check(err)
	check(mon.Connect())
	stream, err := mon.Events(context.Background())
	check(err)
	// Commands and events share a connection: somebody has to take these.
	events := make(chan qmp.Event, 1000)
	go func() {
		for event := range stream {
			events <- event
		}
		close(events)
	}()
	expect := func() {
		select {
		case event := <-events:
			fmt.Println("event", event.Event, event.Data["reason"])
		case <-time.After(30 * time.Second):
			fmt.Println("no event")
		}
	}
	monitor := raw.NewMonitor(mon)
	status := func() {
		info, err := monitor.QueryStatus()
		check(err)
		fmt.Println("status", info.Status, info.Running)
	}

	fmt.Println("package", mon.Version.Package)
	name, err := monitor.QueryName()
	check(err)
	fmt.Println("name", *name.Name)
	status()
	check(monitor.Stop())
	expect()
	status()
	check(monitor.Cont())
	expect()
	status()

	var cpus struct {
		Return []struct {
			Thread int `json:"thread-id"`
		} `json:"return"`
	}
	run(mon, `{"execute": "query-cpus-fast"}`, &cpus)
	for i, cpu := range cpus.Return {
		fmt.Println("cpu", i, cpu.Thread > 0)
	}
	disks, err := monitor.QueryBlock()
	check(err)
	for _, disk := range disks {
		fmt.Println("disk", disk.Device, disk.Inserted.File,
			disk.Inserted.Ro)
	}
	statistics(mon)

	for _, command := range []string{
		`{"execute": "no-such-command"}`,
		`{"execute": "query-balloon"}`,
		`{"execute": "query-stats", "arguments": {"target": "moon"}}`,
	} {
		_, err := mon.Run([]byte(command))
		fmt.Println("refused", err)
	}

	check(monitor.SystemPowerdown())
	expect()
	for i := 0; i < 20; i++ {
		check(monitor.SystemReset())
		expect()
		boots(i + 2)
	}
	check(monitor.Quit())
	expect()
}
