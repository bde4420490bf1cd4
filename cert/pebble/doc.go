// Package pebble holds no code: its tests let edges order certificates from Pebble, Let's Encrypt's ACME server for tests, which
// checks every challenge for real, rejects good nonces and answers slowly. It is a module of its own, because Pebble brings
// dependencies that the product has no use for.
package pebble
