// Package h2 turns the streams of HTTP/2 connections into exchanges: RFC 9113, the server side.
package h2
