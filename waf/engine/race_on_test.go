//go:build race || poison

package engine_test

// slowly says that everything takes many times as long: samples are smaller then.
const slowly = true
