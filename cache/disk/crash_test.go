package disk_test

const childDir = "SKERRY_DISK_CHILD"

func child(string) {}
