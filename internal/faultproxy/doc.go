// SPDX-License-Identifier: Apache-2.0

// Package faultproxy stands between a client and a real server, and does what bad
// networks and bad days do: it refuses, resets, stalls, answers itself, or lets the server
// store what it then denies.
//
//	p := faultproxy.Start(t, faultproxy.Options{Upstream: server.URL})
//	p.Requests(faultproxy.Writes(faultproxy.Fault{}, faultproxy.Fault{At: faultproxy.InBody, Do: faultproxy.Reset}))
//	client.Talk(p.URL)
//	p.Events() // what came, and what was done about it
//
// A Fault says at which moment it strikes, what it does then, and whether the server was
// given what had come by that moment. A Schedule says which request meets which fault; it
// is a list, or comes from a seed. Catalogue lists every fault that a client should live
// with.
package faultproxy
