// Package cert decides what a TLS handshake gets: which certificate, and which policy it must meet.
//
// It owns the Keeper, which outlives plans and holds the local CA, its leaves and the keys of session tickets; the Table,
// an immutable map from every host of a spec to a certificate and a policy; and the Store, which puts a table in force
// with one atomic store and gives crypto/tls what a client's hello asks for. A name that is not served gets the alert
// unrecognized_name, never another host's certificate; a session is resumed only under the name and the policy it was
// made for. What was settled is a Session, so that a request for another host on the connection can be refused.
//
// It does not speak ACME, opens no sockets and knows no HTTP.
package cert
