"""The dashboard: reads run folders, starts and stops runs, and never owns one."""
