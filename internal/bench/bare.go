// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// bare posts recorded requests over some connections, as fast as the server takes them, and
// prints how long that took: what import is compared with. It has all of them in memory
// and reads, parses, retries and remembers nothing.
func bare(record, url string, connections int) error {
	requests, err := readRecord(record)
	if err != nil {
		return err
	}
	if len(requests) == 0 {
		return fmt.Errorf("%s holds no requests", record)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true, WriteBufferSize: 64 << 10}}
	var next atomic.Int64
	g, ctx := errgroup.WithContext(context.Background())
	began := time.Now()
	for range connections {
		g.Go(func() error {
			for i := next.Add(1) - 1; i < int64(len(requests)); i = next.Add(1) - 1 {
				if err := post(ctx, client, url, requests[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	fmt.Println(time.Since(began).Seconds())
	return nil
}

func post(ctx context.Context, client *http.Client, url string, r request) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/write?"+r.params, bytes.NewReader(r.body))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("status %d: %.200s", resp.StatusCode, answer)
	}
	return nil
}
