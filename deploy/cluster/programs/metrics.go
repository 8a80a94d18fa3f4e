package main

import (
	"context"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"sigs.k8s.io/metrics-server/cmd/metrics-server/app"
)

// newMetricsServerCommand returns the command that serves the CPU and memory of pods to HorizontalPodAutoscalers and
// `kubectl top`.
func newMetricsServerCommand() *cobra.Command {
	ctx, _ := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	return app.NewMetricsServerCommand(ctx.Done())
}
