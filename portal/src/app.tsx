import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { ApiError } from "@/api/errors";
import { onSessionChange, sessionState } from "@/api/session";
import { Toasts } from "@/components/ui/toast";
import { makeRouter } from "@/router";

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the server refuses, it refuses again; only broken connections and overload are worth a second try.
      retry: (failures, error) => failures < 2 && (!(error instanceof ApiError) || error.status === 429 || error.status >= 500),
    },
  },
});

const router = makeRouter(queryClient);

onSessionChange(() => {
  if (sessionState() !== "signed-out") return;
  queryClient.clear();
  void router.invalidate();
});

export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
      <Toasts />
    </QueryClientProvider>
  );
}
