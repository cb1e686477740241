"""Roads to a device: this machine, an emulated core, ssh, adb; one file a road, one interface (`base`)."""
