// Package resolve turns the names of endpoints into addresses and keeps them fresh.
//
// It owns Resolver, a stub resolver of its own, because net.Resolver hides how long an answer holds; and Follower, which
// looks a name up again when its answer is over and keeps the last good addresses whatever happens to DNS.
//
// It promises that an answer is believed only if it came from the server that was asked, to the socket that asked, with the
// id and the question of the query (RFC 5452); that records count only if they chain from the name asked for; that names of
// the hosts file and localhost (RFC 6761) never leave the machine; and that a failure, a lie or an empty answer never takes
// addresses from who follows a name.
//
// It refuses to judge addresses: whether one may be dialled is the guard's decision. It reads neither nsswitch.conf nor the
// environment, asks no multicast DNS and keeps no cache: who wants to look seldom, follows.
package resolve
